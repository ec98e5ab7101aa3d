# SPDX-License-Identifier: Apache-2.0
"""RDE-VOS in light form: STCN whose memory has constant size, by a recurrent embedding (Li et al., CVPR 2022).

Axes: `B` videos, `T` frames, `K` objects, `D` key, `V` value, `H W` pixels, `h w` features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from monai_i2v.losses import FeatureAlignmentLoss
from monai_i2v.memory import MemoryPolicy, read_memory
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.matching_net import Features
from monai_i2v.networks.temporal_contrastive_memory_net import DEFAULT_POLICY, TemporalMemoryState
from monai_i2v.networks.vos.stcn import STCN
from monai_i2v.networks.vos.two_to_one import TwoToOne

__all__ = ["RDE", "RDEState", "perturb"]

Cells: TypeAlias = tuple[Tensor, Tensor]
"""Keys (B, D, h, w) and values (B, K, V, h, w) of a frame."""

POLICY = MemoryPolicy(mem_every=3)
LIKENESS_WEIGHT = 0.01  # a tenth of the paper's, whose divergence is a mean over channels, for a network at its start
FOLDINGS = 3  # of a frame in training
WORST_IOU = 0.85
REACHES = (9, 7, 5, 3)  # px, odd


@dataclass(kw_only=True)
class RDEState(TemporalMemoryState):
    """What a video has accumulated; the bank holds what was drawn, in training all frames."""

    reference: Cells
    last: Cells  # the frame that was remembered last
    embedding: Cells
    losses: list[Tensor] = field(default_factory=list)  # in training


class RDE(STCN):
    """A light re-implementation of the idea of RDE-VOS.

    Every third frame is folded into one recurrent embedding. What is read is the embedding, the frame remembered last,
    and the reference, twice. In training, every second frame reads the embedding alone, and is to read what the whole
    memory would give; and the reference's value is to be the same when its mask is a little wrong. There each frame is
    folded in three times, as often as in the paper's longer clips: else a video's embedding fades with each folding.

    Args:
        encoder, key_channels, value_channels, widths: see `STCN`.
        policy: when a frame is folded in, and how many cells a query keeps.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.vos import RDE
        >>> net = RDE(MobileNetV2Encoder(last_stage=16)).eval()
        >>> net(torch.rand(1, 3, 3, 64, 64), torch.ones(1, 2, 64, 64).tril()).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        key_channels: int = 64,
        value_channels: int = 128,
        widths: Sequence[int] = (128, 64, 32),
        policy: MemoryPolicy = POLICY,
    ) -> None:
        super().__init__(
            encoder, key_channels=key_channels, value_channels=value_channels, widths=widths, policy=policy
        )
        self.fold_keys, self.fold_values = TwoToOne(key_channels), TwoToOne(value_channels)
        self.likeness = FeatureAlignmentLoss()

    def begin(self, features: Features, masks: Tensor, present: Tensor) -> RDEState:
        """See `MatchingNet.begin`."""
        cells = self.encode_key(features), self.encode_value(features, masks)
        bank = DEFAULT_POLICY.new_bank()
        bank.write(*cells)
        size = masks.shape[-2:]
        state = RDEState(
            bank=bank, policy=self.policy, size=size, present=present, reference=cells, last=cells, embedding=cells
        )
        if self.training:
            changed = self.encode_value(features, perturb(masks)).flatten(0, 1)
            state.losses.append(self.likeness(changed, cells[1].flatten(0, 1)))
        return state

    def read(self, key: Tensor, state: TemporalMemoryState) -> Tensor:
        """What a frame's places (B, D, h, w) read from the memory: (B, K, V, h, w)."""
        assert isinstance(state, RDEState)
        drawn = [state.reference, state.reference]
        if not self.training:
            return read_cells(key, [state.embedding, state.last, *drawn, *self._supports(state)], state.policy.top_k)
        whole = state.bank.read(key)
        if state.frames % 2:
            return whole
        folded = read_cells(key, [state.embedding], None)
        state.losses.append(self.likeness(folded.flatten(0, 1), whole.flatten(0, 1)))
        return folded

    def remember(self, features: Features, masks: Tensor, state: TemporalMemoryState) -> None:
        """See `MemoryNet.remember`."""
        assert isinstance(state, RDEState)
        state.last = self.key_of(features, state), self.encode_value(features, masks)
        for _ in range(FOLDINGS if self.training else 1):
            state.embedding = self.fold(state.embedding, state.last)
        if self.training:
            state.bank.write(*state.last)

    def fold(self, old: Cells, new: Cells) -> Cells:
        """The embedding with a frame more."""
        objects = old[1].shape[1]
        values = self.fold_values(old[1].flatten(0, 1), new[1].flatten(0, 1))
        return self.fold_keys(old[0], new[0]), values.unflatten(0, (-1, objects))

    def further_loss(self, state: TemporalMemoryState, truth: Tensor) -> Tensor:
        """How far a folded memory reads from the whole, and a wrong mask's value from the true one's (RDE, 3.3)."""
        assert isinstance(state, RDEState)
        return LIKENESS_WEIGHT * torch.stack(state.losses).sum()

    def _supports(self, state: RDEState) -> list[Cells]:
        """Further drawn frames, which the bank keeps."""
        size = state.reference[0].shape[-2:]
        keys = state.bank.keys[:, :, : state.reference[0].shape[1]].unflatten(1, (len(state.bank), -1))
        pairs = zip(keys.unbind(1), state.bank.values.unbind(2), strict=True)
        every = [(k.transpose(1, 2).unflatten(2, size), v.transpose(2, 3).unflatten(3, size)) for k, v in pairs]
        return every[1:]


def read_cells(key: Tensor, cells: Sequence[Cells], top_k: int | None) -> Tensor:
    """What places (B, D, h, w) read of some frames: (B, K, V, h, w)."""
    keys = torch.cat([one.flatten(2).transpose(1, 2) for one, _ in cells], dim=1)
    values = torch.cat([one.flatten(3).transpose(2, 3) for _, one in cells], dim=2)
    readout = read_memory(key.flatten(2).transpose(1, 2), keys, values, top_k=top_k)
    return readout.transpose(2, 3).unflatten(3, key.shape[-2:])


def perturb(masks: Tensor) -> Tensor:
    """Masks (B, K, H, W), each grown or shrunk as far as its IoU with the true one stays above 0.85.

    Example::

        >>> import torch
        >>> mask = torch.zeros(1, 1, 64, 64)
        >>> mask[..., 16:48, 16:48] = 1
        >>> int(perturb(mask).sum()) in (34 * 34, 30 * 30)
        True
    """
    grows = torch.rand(*masks.shape[:2], 1, 1, device=masks.device) < 0.5
    changed = masks
    for reach in reversed(REACHES):
        grown = F.max_pool2d(masks, reach, stride=1, padding=reach // 2)
        shrunk = -F.max_pool2d(-masks, reach, stride=1, padding=reach // 2)
        candidate = torch.where(grows, grown, shrunk)
        overlap = torch.minimum(candidate, masks).sum(dim=(-2, -1), keepdim=True)
        union = torch.maximum(candidate, masks).sum(dim=(-2, -1), keepdim=True)
        changed = torch.where(overlap >= WORST_IOU * union, candidate, changed)
    return changed
