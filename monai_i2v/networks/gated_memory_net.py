# SPDX-License-Identifier: Apache-2.0
"""A memory network that believes what was drawn where the scene still looks like it.

Axes: `B` videos, `K` objects, `D` key, `V` value, `h w` features, `Q` query cells (h * w), `M` memory cells.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.memory import embed_query, read_memory
from monai_i2v.networks.temporal_contrastive_memory_net import TemporalContrastiveMemoryNet, TemporalMemoryState

__all__ = ["DistanceGate", "GatedMemoryNet", "nearest_distance", "weigh"]

# Where the gate is beyond this throughout a frame, or below its complement, one of the two reads is left out.
ALL = 0.99
CHUNK = 256
"""Query cells whose scores are held at a time."""


class DistanceGate(nn.Module):
    """How far each place believes what is remembered of the network's own masks, beside what was drawn.

    ``sigmoid((distance - middle) / width)``, where the distance is that of the place's key to the nearest one of the
    drawn frames (squared, over sqrt(D)), averaged over a neighborhood.

    Args:
        middle: at this distance both count alike. It belongs to the weights that make the keys.
        width: how soon it is one or the other.
        reach: cells per side of the neighborhood, odd.

    Raises:
        ValueError: When `width` is not positive, or `reach` even.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import DistanceGate
        >>> DistanceGate(60.0, 8.0, reach=1)(torch.tensor([[[0.0, 60.0, 120.0]]])).round(decimals=2).tolist()
        [[[0.0, 0.5, 1.0]]]
    """

    def __init__(self, middle: float, width: float = 8.0, *, reach: int = 9) -> None:
        super().__init__()
        if width <= 0:
            raise ValueError(f"width must be positive, got {width}; 8 is what the shipped weights were measured with.")
        if reach % 2 == 0:
            raise ValueError(f"reach must be odd, got {reach}; 1 judges each place by itself.")
        self.middle, self.width, self.reach = middle, width, reach

    def forward(self, distance: Tensor) -> Tensor:
        """Distances (B, h, w) to trust (B, h, w) in [0, 1]."""
        around = F.avg_pool2d(distance, self.reach, stride=1, padding=self.reach // 2, count_include_pad=False)
        return torch.sigmoid((around - self.middle) / self.width)


class GatedMemoryNet(TemporalContrastiveMemoryNet):
    """`TemporalContrastiveMemoryNet` that weighs what was drawn against what it remembers of its own masks.

    A mistake that is remembered is believed; a change that is not remembered is lost. So each place reads twice: from
    all remembered frames, as the base class does, and from the drawn ones alone; a gate says place by place how much
    of either the decoder gets. Where a scene rests, nothing new has to be remembered, and mistakes cannot add up; where
    it changes, the drawn frames have no near match, and all that is remembered is read.

    It has no weights of its own. In training, and without a gate, it is the base class.

    Args:
        encoder, mask_encoder: see the base class.
        gate: from distances (B, h, w) to trust (B, h, w); None trusts all.
        settings: further ones of the base class.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import DistanceGate, GatedMemoryNet, MobileNetV2Encoder, SlimMaskEncoder
        >>> net = GatedMemoryNet(
        ...     MobileNetV2Encoder(last_stage=16), SlimMaskEncoder(64), gate=DistanceGate(60.0), value_channels=128,
        ...     widths=(128, 64, 32),
        ... ).eval()
        >>> net(torch.rand(1, 3, 3, 64, 64), torch.ones(1, 2, 64, 64)).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    def __init__(self, *encoders: Any, gate: nn.Module | None = None, **settings: Any) -> None:
        super().__init__(*encoders, **settings)
        self.gate = gate

    def read(self, key: Tensor, state: TemporalMemoryState) -> Tensor:
        """What a frame's places (B, D, h, w) read from the memory: (B, K, V, h, w)."""
        cells = state.bank.drawn_cells
        if self.gate is None or self.training or cells == state.bank.keys.shape[1]:
            return super().read(key, state)
        keys, values = state.bank.keys, state.bank.values.flatten(2, 3)
        query = key.flatten(2).transpose(1, 2)  # (B, Q, D)
        trust = self.trust(nearest_distance(query, keys[:, :cells]).unflatten(1, key.shape[-2:]))
        if (trust == 1).all():
            return super().read(key, state)
        drawn = read_memory(
            embed_query(query), keys[:, :cells], values[:, :, :cells], measure="product", top_k=state.policy.top_k
        )
        drawn = drawn.transpose(2, 3).unflatten(3, key.shape[-2:])
        return drawn if (trust == 0).all() else weigh(super().read(key, state), drawn, trust)

    @torch.no_grad()
    def trust(self, distance: Tensor) -> Tensor:
        """The gate's (B, h, w), for distances (B, h, w) to what was drawn; 0 or 1 throughout where it nearly is."""
        assert self.gate is not None
        trust: Tensor = self.gate(distance)
        return torch.where((trust > ALL).all() | (trust < 1 - ALL).all(), trust.round(), trust)


def weigh(joint: Tensor, drawn: Tensor, trust: Tensor) -> Tensor:
    """One read-out of two (B, K, V, h, w), by how far the joint one is trusted (B, h, w)."""
    return drawn + trust[:, None, None].to(joint.dtype) * (joint - drawn)


@torch.no_grad()
def nearest_distance(query: Tensor, keys: Tensor) -> Tensor:
    """Squared distance over sqrt(D) of each query cell to the nearest memory cell.

    Args:
        query: (B, Q, D), as it is.
        keys: (B, M, D + 1), embedded for ``"l2"`` (see `embed_keys`).

    Returns:
        (B, Q).

    Example::

        >>> import torch
        >>> from monai_i2v.memory import embed_keys
        >>> nearest_distance(torch.tensor([[[2.0]]]), embed_keys(torch.tensor([[[0.0], [3.0]]]))).item()
        1.0
    """
    with torch.autocast(query.device.type, enabled=False):
        query = query.float()
        own = query.square().sum(dim=-1) / math.sqrt(query.shape[-1])
        parts = embed_query(query).split(CHUNK, dim=1)
        near = torch.cat([torch.bmm(part, keys.transpose(1, 2)).amax(dim=-1) for part in parts], dim=1)
        return (own - near).clamp_min(0)
