# SPDX-License-Identifier: Apache-2.0
"""What is known of the objects in a frame: what was drawn, or what the tracks that came by found.

Axes: `H W` pixels of the video, `h w` pixels of the network.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from monai_i2v.tracking.drawn_masks import Drawn
from monai_i2v.tracking.mask_store import MaskStore
from monai_i2v.tracking.track import Track
from monai_i2v.tracking.working_frames import WorkingFrames

__all__ = ["Fusion"]

AGREEMENT = 0.98  # IoU of masks that are the same


@dataclass(frozen=True)
class Fusion:
    """A view of drawn masks and tracks: the tracks from both sides are averaged, by confidence over distance in time.

    Args:
        drawn: what was drawn.
        tracks: the tracks that count.
        store: their masks.
        frames: the video's frames, for their sizes.
    """

    drawn: Drawn
    tracks: Sequence[Track]
    store: MaskStore
    frames: WorkingFrames

    def masks(self, labels: Sequence[int], frame: int) -> dict[int, Tensor]:
        """Probabilities (H, W) of the objects that are known in a frame, where the frames go."""
        drawn = self.drawn.get(frame, {})
        nearest = {label: self.nearest(label, frame) for label in labels if label not in drawn}
        # A track holds all of its objects: its masks are read once for all of them.
        used = {id(track): track for tracks in nearest.values() for track in tracks}
        device = self.frames.device
        stored = {key: self.store.read(track.frames[frame].masks).to(device) for key, track in used.items()}
        fused = {label: self._fuse(label, frame, tracks, stored) for label, tracks in nearest.items() if tracks}
        full = self.frames.restore(torch.stack(list(fused.values())).unsqueeze(0))[0] if fused else ()
        known = dict(zip(fused, full, strict=True))
        known |= {label: torch.from_numpy(drawn[label]).float().to(device) for label in labels if label in drawn}
        return {label: known[label] for label in labels if label in known}

    def probabilities(self, labels: Sequence[int], frame: int) -> Tensor:
        """Probabilities (K, H, W) of all of some objects in a frame; 0 where no track has come yet."""
        known = self.masks(labels, frame)
        nothing = torch.zeros(self.frames.video_size, device=self.frames.device)
        return torch.stack([known.get(label, nothing) for label in labels])

    def nearest(self, label: int, frame: int) -> list[Track]:
        """Of the tracks that saw an object in a frame, the nearest in each direction."""
        nearest = []
        for direction in (1, -1):
            there = [
                track
                for track in self.tracks
                if track.direction == direction and label in track.labels and frame in track.frames
            ]
            nearest += [min(there, key=lambda track: track.frames[frame].distance)] if there else []
        return nearest

    def trace(self, labels: Sequence[int], frame: int) -> Hashable:
        """Where what is known of a frame comes from: it is the same as long as that is the same."""
        drawn = self.drawn.get(frame, {})
        found = [one.frames[frame] for label in labels if label not in drawn for one in self.nearest(label, frame)]
        return tuple((label, id(mask)) for label, mask in drawn.items()), tuple(found)

    def agrees(self, other: Fusion, labels: Sequence[int], frame: int) -> bool:
        """Whether both say the same of some objects in a frame."""
        these, others = self.masks(labels, frame), other.masks(labels, frame)
        if set(these) != set(others):
            return False
        pairs = [(these[label] > 0.5, others[label] > 0.5) for label in these]
        return all((a & b).sum() >= AGREEMENT * (a | b).sum() for a, b in pairs)

    def confidence(self, label: int, frame: int) -> float:
        """1 where an object was drawn, else the mean confidence of the tracks."""
        if label in self.drawn.get(frame, {}):
            return 1.0
        tracks = self.nearest(label, frame)
        return sum(confidence * share for confidence, share in self._weights(label, frame, tracks))

    def _weights(self, label: int, frame: int, tracks: Sequence[Track]) -> list[tuple[float, float]]:
        """Confidence of each track, and its share: confidence over distance in time."""
        confidences = [track.frames[frame].confidence[track.labels.index(label)] for track in tracks]
        weights = [
            (confidence + 1e-3) / track.frames[frame].distance
            for confidence, track in zip(confidences, tracks, strict=True)
        ]
        return [(confidence, weight / sum(weights)) for confidence, weight in zip(confidences, weights, strict=True)]

    def _fuse(self, label: int, frame: int, tracks: Sequence[Track], stored: Mapping[int, Tensor]) -> Tensor:
        """Probabilities (h, w) out of those (K, h, w) of the tracks."""
        masks = [stored[id(track)][track.labels.index(label)] for track in tracks]
        shares = [share for _, share in self._weights(label, frame, tracks)]
        return torch.stack([share * mask for share, mask in zip(shares, masks, strict=True)]).sum(dim=0)
