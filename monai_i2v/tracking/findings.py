# SPDX-License-Identifier: Apache-2.0
"""What is known of the objects in a frame: what a person drew, or what the passes that came by found.

Axes: `H W` pixels of the video, `h w` pixels of the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from monai_i2v.tracking import WorkingFrames
from monai_i2v.tracking.drawn_masks import Drawn
from monai_i2v.tracking.mask_pass import MaskPass
from monai_i2v.tracking.mask_store import MaskStore

__all__ = ["Findings"]

AGREEMENT = 0.98  # IoU of masks that are the same


@dataclass(frozen=True)
class Findings:
    """A view of drawn masks and passes.

    Args:
        given: what a person drew.
        passes: the passes that count.
        store: their masks.
        frames: the video's frames, for their sizes.
    """

    given: Drawn
    passes: Sequence[MaskPass]
    store: MaskStore
    frames: WorkingFrames

    def masks(self, labels: Sequence[int], index: int) -> dict[int, Tensor]:
        """Probabilities (H, W) of the objects that are known in a frame."""
        drawn = self.given.get(index, {})
        ways = {label: self.nearest(label, index) for label in labels if label not in drawn}
        # A pass holds all of its objects: its masks are read once for all of them.
        used = {id(one): one for passes in ways.values() for one in passes}
        read = {key: self.store.read(one.frames[index].masks) for key, one in used.items()}
        fused = {label: self._fuse(label, index, passes, read) for label, passes in ways.items() if passes}
        full = self.frames.restore(torch.stack(list(fused.values())).unsqueeze(0))[0] if fused else ()
        found = dict(zip(fused, full, strict=True))
        found |= {label: torch.from_numpy(drawn[label]).float() for label in labels if label in drawn}
        return {label: found[label] for label in labels if label in found}

    def nearest(self, label: int, index: int) -> list[MaskPass]:
        """Of the passes that saw an object in a frame, the nearest in each direction."""
        nearest = []
        for direction in (1, -1):
            there = [
                one for one in self.passes if one.direction == direction and label in one.labels and index in one.frames
            ]
            nearest += [min(there, key=lambda one: one.frames[index].step)] if there else []
        return nearest

    def agrees(self, other: Findings, labels: Sequence[int], index: int) -> bool:
        """Whether both say the same of some objects in a frame."""
        own, others = self.masks(labels, index), other.masks(labels, index)
        if set(own) != set(others):
            return False
        pairs = [(own[label] > 0.5, others[label] > 0.5) for label in own]
        return all((a & b).sum() >= AGREEMENT * (a | b).sum() for a, b in pairs)

    def _weights(self, label: int, index: int, passes: Sequence[MaskPass]) -> list[tuple[float, float]]:
        """Sureness of each pass, and its share: sureness over distance in time."""
        sures = [one.frames[index].sure[one.labels.index(label)] for one in passes]
        weights = [(sure + 1e-3) / one.frames[index].step for sure, one in zip(sures, passes, strict=True)]
        return [(sure, weight / sum(weights)) for sure, weight in zip(sures, weights, strict=True)]

    def _fuse(self, label: int, index: int, passes: Sequence[MaskPass], read: Mapping[int, Tensor]) -> Tensor:
        """Probabilities (h, w) out of those (K, h, w) of the passes."""
        masks = [read[id(one)][one.labels.index(label)] for one in passes]
        shares = [share for _, share in self._weights(label, index, passes)]
        return torch.stack([share * mask for share, mask in zip(shares, masks, strict=True)]).sum(dim=0)

    def confidence(self, label: int, index: int) -> float:
        """1 where an object was drawn, else the mean sureness of the passes."""
        if label in self.given.get(index, {}):
            return 1.0
        passes = self.nearest(label, index)
        return sum(sure * share for sure, share in self._weights(label, index, passes))
