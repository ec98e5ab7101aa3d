# SPDX-License-Identifier: Apache-2.0
"""What a person drew.

Axes: `H W` pixels of the video.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch

from monai_i2v.errors import UsageError
from monai_i2v.masks.mask_files import MAX_LABEL
from monai_i2v.tracking.working_frames import WorkingFrames

__all__ = ["Drawn", "checked_label_map", "checked_labels", "without_object"]

Drawn: TypeAlias = dict[int, dict[int, np.ndarray]]
"""Masks (H, W), bool, by frame and label; frames in the order in which they were drawn first."""


def checked_label_map(frame: int, label_map: Any, frames: WorkingFrames) -> np.ndarray:
    """A label map (H, W) of a frame, int64.

    Raises:
        FrameError: When the frame cannot be read.
        UsageError: When there is no such frame, as `checked_labels`, or when the label map reaches out of the region
            that the network sees.
    """
    frames.check_annotated(frame, "frame")
    checked = checked_labels(label_map, frames.video_size)
    frames.check_inside(torch.from_numpy(checked))
    return checked


def checked_labels(label_map: Any, size: tuple[int, int]) -> np.ndarray:
    """A label map (H, W), int64.

    Raises:
        UsageError: When it is of another size than (H, W), or no label map.
    """
    label_map = np.asarray(label_map)
    height, width = size
    if label_map.shape != (height, width):
        shape = " x ".join(map(str, label_map.shape[::-1]))
        raise UsageError(f"the mask is {shape} px, but the video {width} x {height} px; draw it at that size.")
    if not np.issubdtype(label_map.dtype, np.integer) and label_map.dtype != bool:
        raise UsageError(f"the mask holds {label_map.dtype} values, expected whole numbers; 0 is background.")
    odd = label_map[(label_map < 0) | (label_map > MAX_LABEL)]
    if len(odd):
        raise UsageError(f"the mask holds the label {odd[0]}, expected 0 to {MAX_LABEL}; renumber the labels.")
    return label_map.astype(np.int64)


def without_object(given: Drawn, label: int) -> Drawn:
    """The same without an object; frames that tell of no object that is seen anywhere are left out."""
    seen = {other for masks in given.values() for other, mask in masks.items() if mask.any()} - {label}
    others = {frame: {other: mask for other, mask in masks.items() if other in seen} for frame, masks in given.items()}
    return {frame: masks for frame, masks in others.items() if masks}
