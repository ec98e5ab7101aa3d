# SPDX-License-Identifier: Apache-2.0
"""An object may leave the view: what is not there has no mask.

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `D` key, `h w` features, `M` cells of the annotated
frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.reference_crops import reference_crops
from monai_i2v.propagation import MemoryNet

__all__ = ["AbsenceGate", "GatedState"]

# An annotated frame also counts as seen from nearer: a camera that approaches shows other textures.
CROPS = (1.25, 1.6, 2.0)
# Share of a mask's cells that must resemble the annotated object more than its surroundings.
LEAST_OWN = 0.05
# A cell with less of an object than this belongs to its surroundings.
SURROUNDINGS = 0.1


@dataclass
class GatedState:
    """What a video has accumulated."""

    state: Any  # the network's
    keys: Tensor  # (B, M, D), of the annotated frames
    shares: Tensor  # (B, K, M), how much of each cell is an object
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
        return not self.absent.any() and self.state.decide(key, prob)


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
        return GatedState(self.network.start(frame, masks), keys, shares, absent=masks.amax(dim=(-2, -1)) <= 0)

    @torch.no_grad()
    def add_support(self, frame: Tensor, masks: Tensor, state: GatedState) -> GatedState:
        """See `MemoryNet.add_support`."""
        keys, shares = self._annotated_cells(frame, masks)
        state.keys, state.shares = torch.cat([state.keys, keys], dim=1), torch.cat([state.shares, shares], dim=2)
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
        shares = _shares((prob > 0.5).to(key), key).flatten(2)  # (B, K, h * w)
        absent = torch.zeros_like(state.absent)
        for video, object_ in torch.nonzero(shares.amax(dim=2)).tolist():
            mask, own = _is_inside(shares[video, object_]), _is_inside(state.shares[video, object_])
            around = state.shares[video, object_] < SURROUNDINGS
            if own.any() and around.any():
                found, keys = cells[video][mask], state.keys[video]
                is_own = torch.cdist(found, keys[own]).amin(dim=1) < torch.cdist(found, keys[around]).amin(dim=1)
                absent[video, object_] = is_own.float().mean() < LEAST_OWN
        return absent


def _shares(masks: Tensor, key: Tensor) -> Tensor:
    """How much of each cell of keys (B, D, h, w) is covered by masks (B, K, H, W): (B, K, h, w)."""
    return F.adaptive_avg_pool2d(masks, (key.shape[-2], key.shape[-1]))


def _is_inside(shares: Tensor) -> Tensor:
    """Cells that are at least half covered; of a smaller object, those that are covered most."""
    return (shares > 0) & (shares >= shares.max().clamp_max(0.5))
