# SPDX-License-Identifier: Apache-2.0
"""An object may leave the view: what is not there has no mask.

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `D` key, `h w` features, `M` cells of the annotated
frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.compute import Download
from monai_i2v.networks.reference_crops import reference_crops
from monai_i2v.propagation import MemoryNet

__all__ = ["AbsenceGate", "GatedState"]

# An annotated frame also counts as seen from nearer: a camera that approaches shows other textures.
CROPS = (1.25, 1.6, 2.0)
# Share of a mask's cells that must resemble the annotated object more than its surroundings.
LEAST_OWN = 0.05
# A cell with less of an object than this belongs to its surroundings.
SURROUNDINGS = 0.1
# Cells of a frame that a GPU compares at a time.
CHUNK = 1024


class Known(NamedTuple):
    """What the annotated frames tell of an object."""

    own: Tensor  # keys of its cells (cells, D)
    around: Tensor  # keys of the cells of its surroundings (cells, D)


KnownObjects: TypeAlias = list[list[Known | None]]
"""By video and object; None of what has no cells or no surroundings."""


@dataclass
class GatedState:
    """What a video has accumulated."""

    state: Any  # the network's
    keys: Tensor  # (B, M, D), of the annotated frames
    shares: Tensor  # (B, K, M), how much of each cell is an object
    known: KnownObjects  # what these two tell
    absent: Tensor  # (B, K), bool, in the last frame
    remembered: bool = True  # whether the last frame was written to the memory

    @property
    def frames(self) -> int:
        """See `RemembersFrames.frames`."""
        return int(self.state.frames)

    @frames.setter
    def frames(self, count: int) -> None:
        self.state.frames = count

    def decide(self, key: Tensor, prob: Tensor) -> bool:
        """See `RemembersFrames.decide`; frames in which an object was taken for absent are not remembered."""
        absent = Download(self.absent)  # it arrives together with what the network's policy looks at
        return bool(self.state.decide(key, prob)) and not absent.wait()[0].any()


class AbsenceGate(nn.Module):
    """A memory network that knows when an object is out of view.

    A network that has lost an object finds something else, remembers it, and becomes sure of it. The annotated frames
    tell whether it is the object: an object is absent when nearly all cells of its mask resemble (by their keys) its
    surroundings in the annotated frames more than itself. Its mask is then empty, and the frame is not remembered.
    For inference, and for views that stay alike: where a camera comes much nearer or turns to another scene, what is
    the object may no longer resemble itself, and is taken for absent.

    Args:
        network: a `MemoryNet`; it is used as it is, and the gate is one too.

    Example::

        >>> import torch
        >>> from monai_i2v.tracking import AbsenceGate
        >>> from monai_i2v.networks import MobileNetV2Encoder, SlimMaskEncoder, TemporalContrastiveMemoryNet
        >>> from monai_i2v.propagation import propagate
        >>> net = TemporalContrastiveMemoryNet(
        ...     MobileNetV2Encoder(last_stage=16), SlimMaskEncoder(64), value_channels=128, widths=(128, 64, 32)
        ... ).eval()
        >>> masks = torch.zeros(1, 1, 64, 64)
        >>> masks[..., :32] = 1
        >>> len(list(propagate(AbsenceGate(net), torch.rand(6, 1, 3, 64, 64), masks)))
        6
    """

    def __init__(self, network: MemoryNet[Any]) -> None:
        super().__init__()
        self.network = network

    @torch.no_grad()
    def start(self, frame: Tensor, masks: Tensor) -> GatedState:
        """See `VideoSegmenter.start`."""
        keys, shares = self._annotated_cells(frame, masks)
        absent = masks.amax(dim=(-2, -1)) <= 0
        return GatedState(self.network.start(frame, masks), keys, shares, _known(keys, shares), absent)

    @torch.no_grad()
    def add_support(self, frame: Tensor, masks: Tensor, state: GatedState) -> GatedState:
        """See `MemoryNet.add_support`."""
        keys, shares = self._annotated_cells(frame, masks)
        state.keys, state.shares = torch.cat([state.keys, keys], dim=1), torch.cat([state.shares, shares], dim=2)
        state.known = _known(state.keys, state.shares)
        state.state = self.network.add_support(frame, masks, state.state)
        return state

    def encode_frame(self, frame: Tensor) -> dict[int, Tensor]:
        """See `MemoryNet.encode_frame`."""
        return self.network.encode_frame(frame)

    def encode_key(self, features: dict[int, Tensor]) -> Tensor:
        """See `MemoryNet.encode_key`."""
        return self.network.encode_key(features)

    def step(self, frame: Tensor, state: GatedState) -> tuple[Tensor, GatedState]:
        """See `VideoSegmenter.step`."""
        return self.step_from(self.encode_frame(frame), state)

    @torch.no_grad()
    def step_from(
        self, features: dict[int, Tensor], state: GatedState, *, remember: bool | None = None
    ) -> tuple[Tensor, GatedState]:
        """See `MemoryNet.step_from`."""
        prob, state.state = self.network.step_from(features, state.state, remember=False)
        key = self.encode_key(features)
        state.absent = self._find_absent(key, prob, state)
        prob = prob * ~state.absent[..., None, None]
        state.remembered = state.decide(key, prob) if remember is None else remember
        if state.remembered:
            self.remember(features, prob, state)
        return prob, state

    def remember(self, features: dict[int, Tensor], masks: Tensor, state: GatedState) -> None:
        """See `MemoryNet.remember`."""
        self.network.remember(features, masks, state.state)

    def _annotated_cells(self, frame: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Keys (B, M, D) and shares of objects (B, K, M) of a frame, as it is and from nearer."""
        keys, shares = [], []
        for part, part_masks in ((frame, masks), *reference_crops(frame, masks, CROPS)):
            key = self.encode_key(self.encode_frame(part))
            keys.append(key.flatten(2).transpose(1, 2))
            shares.append(_shares(part_masks, key).flatten(2))
        return torch.cat(keys, dim=1), torch.cat(shares, dim=2)

    def _find_absent(self, key: Tensor, prob: Tensor, state: GatedState) -> Tensor:
        """(B, K), bool."""
        cells = key.flatten(2).transpose(1, 2)  # (B, h * w, D)
        inside = _is_inside(_shares((prob > 0.5).to(key), key).flatten(2))  # (B, K, h * w)
        absent = [
            torch.stack([_is_absent(own_cells, mask, known) for mask, known in zip(masks, objects, strict=True)])
            for own_cells, masks, objects in zip(cells, inside, state.known, strict=True)
        ]
        return torch.stack(absent)


def _shares(masks: Tensor, key: Tensor) -> Tensor:
    """How much of each cell of keys (B, D, h, w) is covered by masks (B, K, H, W): (B, K, h, w)."""
    return F.adaptive_avg_pool2d(masks, (key.shape[-2], key.shape[-1]))


def _is_inside(shares: Tensor) -> Tensor:
    """Cells (B, K, M) that are at least half covered; of a smaller object, those that are covered most."""
    return (shares > 0) & (shares >= shares.amax(dim=-1, keepdim=True).clamp_max(0.5))


def _known(keys: Tensor, shares: Tensor) -> KnownObjects:
    inside, around = _is_inside(shares), shares < SURROUNDINGS  # (B, K, M)
    return [
        [
            Known(own_keys[own], own_keys[others]) if own.any() and others.any() else None
            for own, others in zip(objects, surroundings, strict=True)
        ]
        for own_keys, objects, surroundings in zip(keys, inside, around, strict=True)
    ]


def _is_absent(cells: Tensor, mask: Tensor, known: Known | None) -> Tensor:
    """Whether too few cells (Q, D) of a mask (Q,) resemble an object; not if there is no mask. A scalar, bool."""
    if known is None:
        return mask.new_zeros(())
    if cells.device.type == "cpu":  # fewer to compare; elsewhere the host would have to wait for their number
        cells, mask = cells[mask], mask[mask]
        is_own = _is_own(cells, known)
    else:
        is_own = torch.cat([_is_own(part, known) for part in cells.split(CHUNK)])
    return (is_own & mask).sum() / mask.sum() < LEAST_OWN


def _is_own(cells: Tensor, known: Known) -> Tensor:
    """Which cells (Q, D) are nearer to those of an object than to its surroundings, (Q,)."""
    return torch.cdist(cells, known.own).amin(dim=1) < torch.cdist(cells, known.around).amin(dim=1)
