# SPDX-License-Identifier: Apache-2.0
"""XMem in light form: sharpness and selection in the match, and a sensory memory (Cheng and Schwing, ECCV 2022).

Axes: `B` videos, `K` objects, `D` key, `V` value, `S` sensory channels, `H W` pixels, `h w` features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from monai_i2v.memory import MemoryPolicy
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.matching_net import Features
from monai_i2v.networks.temporal_contrastive_memory_net import DEFAULT_POLICY, TemporalMemoryState
from monai_i2v.networks.vos.sensory import Sensory
from monai_i2v.networks.vos.stcn import STCN

__all__ = ["XMem", "XMemState", "memory_rows", "query_rows"]


@dataclass(kw_only=True)
class XMemState(TemporalMemoryState):
    """What a video has accumulated."""

    sensory: Tensor  # (B, K, S, h, w)


def memory_rows(key: Tensor, shrinkage: Tensor) -> Tensor:
    """What a memory cell holds, so that its product with a query's row is their similarity (XMem, eq. 3).

    The similarity is ``-shrinkage / sqrt(D) * sum_c selection_c (key_c - query_c)^2``.

    Args:
        key: (B, D, h, w).
        shrinkage: (B, 1, h, w), 1 or more: how sharp the cell is.

    Returns:
        (B, 2 D + 1, h, w).
    """
    return torch.cat([shrinkage * key.square(), shrinkage * key, shrinkage], dim=1)


def query_rows(query: Tensor, selection: Tensor) -> Tensor:
    """The counterpart of `memory_rows`.

    Args:
        query: (B, D, h, w).
        selection: (B, D, h, w) in [0, 1]: how much each channel counts.

    Returns:
        (B, 2 D + 1, h, w).

    Example::

        >>> import torch
        >>> cell = memory_rows(torch.full((1, 1, 1, 1), 5.0), torch.full((1, 1, 1, 1), 2.0))
        >>> place = query_rows(torch.full((1, 1, 1, 1), 2.0), torch.full((1, 1, 1, 1), 0.5))
        >>> (cell * place).sum().item()  # -2 * 0.5 * (5 - 2)^2
        -9.0
    """
    own = -(selection * query.square()).sum(dim=1, keepdim=True)
    return torch.cat([-selection, 2 * selection * query, own], dim=1) / math.sqrt(query.shape[1])


class XMem(STCN):
    """A light re-implementation of the idea of XMem, without its long-term memory.

    A memory cell says how sharp it is, a query which channels count; a recurrent map per object carries what a frame's
    match cannot know. The long-term memory acts beyond ten remembered frames only; the policy's bound stands for it.

    Args:
        encoder, mask_encoder, key_channels, value_channels, widths, policy: see `STCN`.
        sensory_channels: `S`.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.vos import XMem
        >>> net = XMem(MobileNetV2Encoder(last_stage=16)).eval()
        >>> net(torch.rand(1, 3, 3, 64, 64), torch.ones(1, 2, 64, 64).tril()).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    def __init__(
        self,
        encoder: Encoder,
        mask_encoder: nn.Module | None = None,
        *,
        key_channels: int = 64,
        value_channels: int = 128,
        widths: Sequence[int] = (128, 64, 32),
        sensory_channels: int = 32,
        policy: MemoryPolicy = DEFAULT_POLICY,
    ) -> None:
        super().__init__(
            encoder,
            mask_encoder,
            key_channels=key_channels,
            value_channels=value_channels,
            widths=widths,
            policy=policy,
        )
        channels = encoder.channels[16]
        self.shrinkage = nn.Conv2d(channels, 1, 3, padding=1)
        self.selection = nn.Conv2d(channels, key_channels, 3, padding=1)
        self.sensory = Sensory(sensory_channels, widths, value_channels)
        self.mix = nn.Conv2d(value_channels + sensory_channels, value_channels, 1)

    def begin(self, features: Features, masks: Tensor, present: Tensor) -> XMemState:
        """See `MatchingNet.begin`."""
        return XMemState(**self.beginning(features, self.encode_value(features, masks), masks, present))

    def beginning(self, features: Features, value: Tensor, masks: Tensor, present: Tensor) -> dict[str, Any]:
        """The fields of a state of which only the reference, with its value (B, K, V, h, w), was seen."""
        bank = self.new_bank("product")
        bank.write(self._memory_rows(features), value)
        nothing = value.new_zeros(*value.shape[:2], self.sensory.channels, *value.shape[-2:])
        sensory = self.sensory.after_value(value, nothing)
        size = masks.shape[-2:]
        return {"bank": bank, "policy": self.policy, "size": size, "present": present, "sensory": sensory}

    def look(self, features: Features, state: TemporalMemoryState) -> Tensor:
        """See `MatchingNet.look`."""
        assert isinstance(state, XMemState)
        query = query_rows(self.key_of(features, state).float(), self.selection(features[16]).float().sigmoid())
        readout = self.fuse(state.bank.read(query), features, state)
        decoded = self.decoder.trunk(readout, features)
        logits = self.decoder.classify(decoded[4])
        self.traced(features, state).update(decoded=decoded, logits=logits)
        return self.decoder.upsample(logits, readout.shape[1])

    def fuse(self, readout: Tensor, features: Features, state: XMemState) -> Tensor:
        """Read-out (B, K, V, h, w) and what else is known of each object: (B, K, V, h, w)."""
        both = torch.cat([readout, state.sensory.to(readout.dtype)], dim=2).flatten(0, 1)
        mixed: Tensor = self.mix(both)
        return mixed.unflatten(0, readout.shape[:2])

    def remember(self, features: Features, masks: Tensor, state: TemporalMemoryState) -> None:
        """See `MemoryNet.remember`."""
        value = self.encode_value(features, masks)
        state.bank.write(self.memory_key(features, state), value)
        self.traced(features, state)["value"] = value

    def see(self, features: Features, prob: Tensor, state: TemporalMemoryState) -> None:
        """Renew the sensory memory: by the value of a frame that is remembered, otherwise by the decoder (XMem, 3.4).

        In training by the decoder, as all frames are remembered; the reference teaches the other way.
        """
        assert isinstance(state, XMemState)
        trace = self.traced(features, state)
        if state.remembered and not self.training:
            state.sensory = self.sensory.after_value(trace["value"], state.sensory)
        else:
            state.sensory = self.sensory.after_frame(trace["decoded"], trace["logits"], state.sensory)

    def memory_key(self, features: Features, state: TemporalMemoryState) -> Tensor:
        """`memory_rows` of a frame."""
        return self._memory_rows(features, self.key_of(features, state))

    def _memory_rows(self, features: Features, key: Tensor | None = None) -> Tensor:
        key = self.encode_key(features) if key is None else key
        return memory_rows(key.float(), self.shrinkage(features[16]).float().square() + 1)
