# SPDX-License-Identifier: Apache-2.0
"""What a session knows of a frame.

Axes: `H W` pixels of the video.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from monai_i2v.session.notes import Notes
from monai_i2v.tracking import Tracker
from monai_i2v.transforms import masks_to_labels

__all__ = ["SessionFrame", "frame_of"]


@dataclass(frozen=True)
class SessionFrame:
    """Masks and confidence of one frame; see `VideoSession`."""

    index: int
    label_map: np.ndarray  # (H, W), int32
    confidence: Mapping[int, float]  # by label, in [0, 1]; 1 where a person drew it
    review: str = ""  # "accepted" or "rejected" by a person; empty when not, or when the masks have changed since


def frame_of(tracker: Tracker, notes: Notes, index: int) -> SessionFrame:
    """What is known of a frame; objects that no track has reached yet are not in it."""
    fusion = tracker.fusion
    masks = fusion.masks(tracker.labels, index)
    confidence = {label: fusion.confidence(label, index) for label in masks}
    if not masks:
        return SessionFrame(index, np.zeros(tracker.frames.video_size, np.int32), confidence)
    label_map = masks_to_labels(torch.stack(list(masks.values())), list(masks)).cpu().numpy()
    return SessionFrame(index, label_map, confidence, notes.mark(index, label_map))
