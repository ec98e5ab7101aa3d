# SPDX-License-Identifier: Apache-2.0
"""A memory network that knows when not to believe itself: drawn frames are read apart, and evidence decides.

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `D` key, `V` value, `F` feature channels, `h w`
features, `Q` query cells (h * w), `M` memory cells, `E` numbers of evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.memory import ReadApart, read_apart
from monai_i2v.networks.aggregation import soft_aggregate
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.forgetful_training import ForgetfulTraining
from monai_i2v.networks.nearer_views import nearer_views
from monai_i2v.networks.residual_block import ResidualBlock
from monai_i2v.networks.temporal_contrastive_memory_net import (
    GRID,
    TemporalContrastiveMemoryNet,
    TemporalMemoryState,
)

__all__ = ["DistanceGate", "DrawnLook", "EvidenceHead", "EvidenceMemoryNet", "EvidenceState"]

# Squared key distances over sqrt(D) are some 30 where a scene rests, and some 90 where it changes.
DISTANCE = 50.0
# A cell with less of an object than this belongs to its surroundings.
SURROUNDINGS = 0.1
CLOSE = 8.0
"""What makes a difference between two of them."""


class DrawnLook(NamedTuple):
    """What the drawn frames look like, cell by cell."""

    cells: Tensor  # (B, M, F), of unit length
    shares: Tensor  # (B, K, M), how much of each cell is an object

    @classmethod
    def of(cls, features: Tensor, masks: Tensor) -> DrawnLook:
        """From features (B, F, h, w) and masks (B, K, H, W)."""
        h, w = features.shape[-2:]
        padded = F.pad(masks.float(), (0, GRID * w - masks.shape[-1], 0, GRID * h - masks.shape[-2]))
        shares = F.adaptive_avg_pool2d(padded, (h, w))
        return cls(_unit(features.float().flatten(2).transpose(1, 2)), shares.flatten(2))

    def with_frame(self, features: Tensor, masks: Tensor) -> DrawnLook:
        """And a further frame's."""
        other = DrawnLook.of(features, masks)
        return DrawnLook(torch.cat([self.cells, other.cells], dim=1), torch.cat([self.shares, other.shares], dim=2))

    def likeness(self, features: Tensor) -> Tensor:
        """How much each place of features (B, F, h, w) looks like each object, and like what is around it.

        Returns:
            (B, K, 4, h, w): the largest cosine with a cell of the object, how much larger it is than that with a cell
            around, and the same of the mean cells.
        """
        cells = _unit(features.float().flatten(2).transpose(1, 2))  # (B, Q, F)
        cosine = (cells @ self.cells.transpose(1, 2)).unsqueeze(1)  # (B, 1, Q, M)
        shares = self.shares.unsqueeze(2)  # (B, K, 1, M)
        own = shares >= shares.amax(dim=-1, keepdim=True).clamp(1e-6, 0.5)
        around = shares < SURROUNDINGS
        nearest = [cosine.masked_fill(~inside, -1).amax(dim=-1) for inside in (own, around)]  # (B, K, Q)
        means = [_unit(inside.squeeze(2).float() @ self.cells) for inside in (own, around)]  # (B, K, F)
        alike = [torch.einsum("bqf,bkf->bkq", cells, mean) for mean in means]
        looks = [nearest[0], 4 * (nearest[0] - nearest[1]), alike[0], 4 * (alike[0] - alike[1])]
        return torch.stack(looks, dim=2).unflatten(-1, features.shape[-2:])


LOOKS = 4
# A gate below 0 would lead away from what was drawn; it must be able to leave that side, and has little weight there.
LEAK = 0.1


class EvidenceHead(nn.Module):
    """From two read-outs and how well they match to one read-out, place by place.

    ``joint + gate * (drawn - joint)``. It begins with a gate of exactly 0 everywhere, which is the joint read-out.

    Args:
        value_channels: `V`.
        evidence: numbers of evidence `E` that all objects share.
        looks: numbers per object.
        width: channels within.
    """

    def __init__(self, value_channels: int, *, evidence: int, looks: int = LOOKS, width: int = 32) -> None:
        super().__init__()
        self.from_values = nn.Conv2d(2 * value_channels, width, 1)
        self.from_evidence = nn.Conv2d(2 * evidence + 2 * looks, width, 3, padding=1)
        self.block = ResidualBlock(width, width)
        self.gate = nn.Conv2d(width, 1, 3, padding=1)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)  # type: ignore[arg-type]

    def forward(self, joint: Tensor, drawn: Tensor, evidence: Tensor, looks: Tensor) -> Tensor:
        """
        Args:
            joint: what all remembered frames say (B, K, V, h, w).
            drawn: what the drawn ones say, alike.
            evidence: (B, E, h, w).
            looks: (B, K, looks, h, w).

        Returns:
            Read-out (B, K, V, h, w).
        """
        k = joint.shape[1]
        signs = torch.cat([evidence.unsqueeze(1).expand(-1, k, -1, -1, -1), looks], dim=2).flatten(0, 1)
        signs = torch.cat([signs, signs.mean(dim=(-2, -1), keepdim=True).expand_as(signs)], dim=1)
        change = drawn - joint
        values = torch.cat([joint, change], dim=2).flatten(0, 1)
        x = self.block(F.relu(self.from_values(values) + self.from_evidence(signs.to(values.dtype))))
        gate = torch.tanh(F.leaky_relu(self.gate(x), LEAK)).unflatten(0, (-1, k))
        return joint + gate * change


class DistanceGate(nn.Module):
    """The gate as a rule with two numbers: where a place has a near match among the drawn frames, they alone are read.

    ``drawn + sigmoid((distance - middle) / width) * (joint - drawn)``, where the distance is that to the nearest drawn
    cell (squared, over sqrt(D)), averaged over a neighborhood.

    Args:
        middle: at this distance both count alike.
        width: how soon it is one or the other.
        reach: cells per side of the neighborhood, odd.
    """

    def __init__(self, middle: float, width: float = 8.0, *, reach: int = 1) -> None:
        super().__init__()
        self.middle, self.width, self.reach = middle, width, reach

    def forward(self, joint: Tensor, drawn: Tensor, evidence: Tensor, looks: Tensor) -> Tensor:
        """As `EvidenceHead`; evidence is the first one's alone."""
        distance = F.avg_pool2d(
            DISTANCE * evidence[:, :1], self.reach, stride=1, padding=self.reach // 2, count_include_pad=False
        )
        trust = torch.sigmoid((distance - self.middle) / self.width).unsqueeze(1).to(joint.dtype)
        return drawn + trust * (joint - drawn)


@dataclass
class EvidenceState(TemporalMemoryState):
    """What a video has accumulated."""

    drawn: int = 1  # frames in front of the bank that a person drew, seen from nearer included
    look: DrawnLook | None = None


EVIDENCE = 6


def _evidence(found: ReadApart) -> Tensor:
    """(B, 6, Q), each between 0 and about 3."""
    closer = found.drawn_distance - found.distance
    signs = [
        found.drawn_distance / DISTANCE,
        found.distance / DISTANCE,
        2 * closer / DISTANCE,
        found.drawn_entropy,
        found.drawn_share,
        torch.exp(-closer / CLOSE),
    ]
    return torch.stack(signs, dim=1)


class EvidenceMemoryNet(TemporalContrastiveMemoryNet):
    """`TemporalContrastiveMemoryNet` that weighs what was drawn against what it remembers of its own masks.

    A mistake that is remembered is believed; a change that is not remembered is lost. So each place reads twice: from
    all remembered frames (the joint read-out of the base class), and from the drawn ones alone. How near the best cells
    of both are, how sharp the reads are, and how much the place looks like the object of the drawn frames decides,
    place by place and object by object, which read-out the decoder gets. With an untrained head the masks are those of
    the base class.

    Only the head is trained (`freeze_all_but_head`); in training, clips are as in use: some frames are remembered, with
    the masks that the network itself found, spoiled now and then (see `ForgetfulTraining`).

    Args:
        encoder, mask_encoder, value_channels: see the base class.
        head: from two read-outs and the evidence to one; an untrained `EvidenceHead` when None.
        in_training: what is remembered in training.
        settings: further ones of the base class.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import EvidenceMemoryNet, MobileNetV2Encoder, SlimMaskEncoder
        >>> net = EvidenceMemoryNet(
        ...     MobileNetV2Encoder(last_stage=16), SlimMaskEncoder(64), value_channels=128, widths=(128, 64, 32)
        ... ).eval()
        >>> net(torch.rand(1, 3, 3, 64, 64), torch.ones(1, 2, 64, 64)).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        mask_encoder: nn.Module | None = None,
        *,
        value_channels: int = 512,
        head: nn.Module | None = None,
        in_training: ForgetfulTraining | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(encoder, mask_encoder, value_channels=value_channels, **settings)
        self.head = EvidenceHead(value_channels, evidence=EVIDENCE) if head is None else head
        self.in_training = ForgetfulTraining() if in_training is None else in_training

    def freeze_all_but_head(self) -> EvidenceMemoryNet:
        """What is near to what, and what a mask looks like, stays as it was learned: only whom to trust is new."""
        self.requires_grad_(False)
        self.head.requires_grad_(True)
        return self

    def start(self, frame: Tensor, masks: Tensor) -> EvidenceState:
        """See `VideoSegmenter.start`."""
        state = self.start_from(self.encode_frame(frame), masks)
        zooms = self.in_training.draw_zooms() if self.training else self.memory.zooms
        for part, part_masks in nearer_views(frame, masks, zooms):
            self.remember(self.encode_frame(part), part_masks, state)
        state.drawn = len(state.bank)
        return state

    def start_from(self, features: Mapping[int, Tensor], masks: Tensor) -> EvidenceState:
        """`start` with the reference's encoder features at hand."""
        base = super().start_from(features, masks)
        own = {field.name: getattr(base, field.name) for field in fields(base)}
        return EvidenceState(**own, drawn=1, look=DrawnLook.of(features[16], self._with_background(masks)))

    def add_support(self, frame: Tensor, masks: Tensor, state: TemporalMemoryState) -> EvidenceState:
        """See `MemoryNet.add_support`."""
        assert isinstance(state, EvidenceState)
        assert state.look is not None
        super().add_support(frame, masks, state)
        state.look = state.look.with_frame(self.encode_frame(frame)[16], self._with_background(masks))
        state.drawn += 1
        return state

    def step_from(
        self, features: Mapping[int, Tensor], state: TemporalMemoryState, *, remember: bool | None = None
    ) -> tuple[Tensor, TemporalMemoryState]:
        """See `MemoryNet.step_from`."""
        assert isinstance(state, EvidenceState)
        assert state.look is not None
        key = self.encode_key(features)
        found = read_apart(
            key.flatten(2).transpose(1, 2),
            state.bank.keys,
            state.bank.values.flatten(2, 3),
            drawn=state.drawn * state.bank.keys.shape[1] // len(state.bank),
            top=self.memory.top,
        )
        joint, drawn = (part.transpose(2, 3).unflatten(3, key.shape[-2:]) for part in found[:2])
        evidence = _evidence(found).unflatten(2, key.shape[-2:])
        readout = self.head(joint, drawn, evidence, state.look.likeness(features[16]).to(joint.dtype))
        logits = self.decoder(readout, features)[..., : state.size[0], : state.size[1]]
        if self.background:
            logits = logits[:, 1:] - logits[:, :1]
        prob = soft_aggregate(logits, state.present)
        state.frames += 1
        if self.is_turn(state, prob) if remember is None else remember:
            masks = self.in_training.spoil(prob.detach()) if self.training else prob
            state.bank.write(key, self.encode_value(features, masks))
        return prob, state

    def is_turn(self, state: TemporalMemoryState, prob: Tensor) -> bool:
        """See `MemoryNet.is_turn`."""
        return self.in_training.is_turn(prob.detach()) if self.training else self.memory.is_turn(state.frames, prob)

    def _with_background(self, masks: Tensor) -> Tensor:
        return torch.cat([(1 - masks.sum(1, keepdim=True)).clamp_min(0), masks], dim=1) if self.background else masks


def _unit(x: Tensor) -> Tensor:
    return F.normalize(x, dim=-1)
