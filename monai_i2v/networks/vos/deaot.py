# SPDX-License-Identifier: Apache-2.0
"""DeAOT in light form: what a frame looks like and whose it is go in two branches (Yang and Yang, NeurIPS 2022).

Axes: `B` videos, `K` objects, `D` key, `V` value, `F` feature channels of a branch, `h w` cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.vos.identity_net import IdentityNet, Memory
from monai_i2v.networks.vos.window_attention import WindowAttention, attend

__all__ = ["DeAOT", "GatedPropagation", "GatedBlock"]


class GatedPropagation(nn.Module):
    """What attention read of both branches, gated, mixed with its neighbors, and narrowed (DeAOT, eq. 4).

    Args:
        values: channels `V` of both branches together.
        channels: channels of both branches together.
        separate: narrow each branch by itself, the stated idea; the released code lets both flow into both.
    """

    def __init__(self, values: int, channels: int, *, separate: bool = False) -> None:
        super().__init__()
        self.near = nn.Conv2d(values, values, 5, padding=2, groups=values, bias=False)
        self.leave = nn.Conv2d(values, channels, 1, groups=2 if separate else 1)

    def forward(self, read: Tensor, gate: Tensor, grid: Sequence[int]) -> Tensor:
        """Both (B, h * w, V) to (B, h * w, channels)."""
        picture = (read * gate).transpose(1, 2).unflatten(2, grid)
        narrowed: Tensor = self.leave(self.near(picture))
        return narrowed.flatten(2).transpose(1, 2)


class GatedBlock(nn.Module):
    """Propagation from remembered frames and from the last one, then within the frame (DeAOT, 3.2).

    Args:
        channels: `F`, of each branch.
        expansion: values are so many times wider.
        window: side of the windows on the last frame, cells.
        separate: see `GatedPropagation`.
        first: no identities have arrived yet: those of remembered frames come from their masks alone.
    """

    def __init__(
        self, channels: int, *, expansion: int = 2, window: int = 15, separate: bool = False, first: bool = True
    ) -> None:
        super().__init__()
        keys, values = channels // 2, expansion * channels
        self.first = first
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2 if first else 3))
        self.to_key, self.to_value, self.to_gate = (nn.Linear(channels, n) for n in (keys, values, values))
        self.identity_value = nn.Linear(channels if first else 2 * channels, values)
        self.identity_gate = None if first else nn.Linear(channels, values)
        self.near = WindowAttention(keys, 2 * values, heads=1, window=window, values_by_offset=False)
        self.from_long, self.from_short, self.from_own = (
            GatedPropagation(2 * values, 2 * channels, separate=separate) for _ in range(3)
        )
        self.own_norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2))
        self.own_key = nn.Linear(channels if separate else 2 * channels, keys)
        self.own_values, self.own_gates = (nn.ModuleList(nn.Linear(channels, values) for _ in range(2)) for _ in "vg")

    def match(self, stream: Tensor, grid: Sequence[int]) -> tuple[Tensor, Any]:
        """See `PropagationBlock.match`: key, value and gates, and the identity branch (None in the first block)."""
        if self.first:
            x, identities = self.norms[0](stream), None
            stream = torch.cat([stream, torch.zeros_like(stream)], dim=-1)
        else:
            x, identities = (norm(part) for norm, part in zip(self.norms, stream.chunk(2, dim=-1), strict=False))
        gate = F.silu(self.to_gate(x))
        other = torch.ones_like(gate) if self.identity_gate is None else F.silu(self.identity_gate(identities))
        return stream, (self.to_key(x), F.silu(self.to_value(x)), torch.cat([gate, other], dim=-1), identities)

    def memorize(self, seen: Any, identity: Tensor) -> Memory:
        """See `PropagationBlock.memorize`."""
        key, value, _, identities = seen
        identity = self.norms[-1](identity)
        given = identity if identities is None else torch.cat([identities, identity], dim=-1)
        return key, torch.cat([value, F.silu(self.identity_value(given))], dim=-1)

    def propagate(self, stream: Tensor, seen: Any, long: Memory, short: Memory, grid: Sequence[int]) -> Tensor:
        """See `PropagationBlock.propagate`."""
        key, _, gate, _ = seen
        stream = stream + self.from_long(attend(key, *long, 1), gate, grid)
        stream = stream + self.from_short(self.near(key, *short, grid), gate, grid)
        parts = [norm(part) for norm, part in zip(self.own_norms, stream.chunk(2, dim=-1), strict=True)]
        value, gate = (
            torch.cat([F.silu(layer(part)) for layer, part in zip(layers, parts, strict=True)], dim=-1)
            for layers in (self.own_values, self.own_gates)
        )
        both = torch.cat(parts, dim=-1)
        key = self.own_key(both[..., : self.own_key.in_features])
        own: Tensor = self.from_own(attend(key, key, value, 1), gate, grid)
        return stream + own


class DeAOT(IdentityNet):
    """A light re-implementation of the idea of DeAOT (its T form: one block, only drawn frames are kept for long).

    Args:
        encoder: image encoder with stages 4, 8 and 16.
        channels: `F`, of each branch.
        blocks: how many.
        window: side of the windows on the last frame, cells.
        separate: see `GatedPropagation`; with it the branch of looks does not depend on masks.
        settings: see `IdentityNet`.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.vos import DeAOT
        >>> net = DeAOT(MobileNetV2Encoder(last_stage=16)).eval()
        >>> net(torch.rand(1, 3, 3, 64, 64), torch.ones(1, 2, 64, 64).tril()).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        channels: int = 96,
        blocks: int = 1,
        window: int = 15,
        separate: bool = False,
        **settings: Any,
    ) -> None:
        layers = [GatedBlock(channels, window=window, separate=separate, first=index == 0) for index in range(blocks)]
        super().__init__(encoder, layers, channels=channels, block_channels=2 * channels, **settings)
