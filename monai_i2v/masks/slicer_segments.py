# SPDX-License-Identifier: Apache-2.0
"""Segmentations of 3D Slicer (``.seg.nrrd``): what their key/value pairs say about labels, layers and place.

The pairs are described in 3D Slicer's documentation, "Segmentations", under file formats.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Segment", "extent_offset", "find_segments", "has_segments", "merge_layers"]

logger = logging.getLogger(__name__)

SEGMENT_KEY = re.compile(r"Segment(\d+)_(?:ID|Name|LabelValue|Layer|Extent)")
OFFSET_KEY = "Segmentation_ReferenceImageExtentOffset"


class Segment(NamedTuple):
    """An object of a segmentation."""

    name: str
    layer: int  # which component of the file holds it
    stored: int  # its value there
    label: int  # its value in a label map


def has_segments(meta: Mapping[str, str]) -> bool:
    """Whether the pairs are those of a segmentation."""
    return any(SEGMENT_KEY.fullmatch(key) for key in meta)


def extent_offset(meta: Mapping[str, str]) -> tuple[int, int, int] | None:
    """Indices of the first voxel in the picture that was segmented; None when the file does not tell."""
    try:
        x, y, z = map(int, meta.get(OFFSET_KEY, "").split())
    except ValueError:
        return None
    return x, y, z


def find_segments(meta: Mapping[str, str]) -> list[Segment]:
    """Objects in the order of the file; labels are the stored values, or 1, 2, 3 ... where objects share a value.

    Example::

        >>> from monai_i2v.masks.slicer_segments import find_segments
        >>> find_segments({"Segment0_Name": "LV", "Segment0_LabelValue": "7"})
        [Segment(name='LV', layer=0, stored=7, label=7)]
    """
    numbers = sorted({int(found[1]) for key in meta if (found := SEGMENT_KEY.fullmatch(key))})
    # Before version 4.11 each segment had a layer of its own, and the value 1.
    old = not any(f"Segment{number}_LabelValue" in meta for number in numbers)
    stored = [int(meta.get(f"Segment{number}_LabelValue", 1)) for number in numbers]
    layers = [int(meta.get(f"Segment{number}_Layer", number if old else 0)) for number in numbers]
    labels = stored if len(set(stored)) == len(stored) else list(range(1, len(stored) + 1))
    names = [meta.get(f"Segment{number}_Name", f"Segment {number}") for number in numbers]
    return [Segment(*one) for one in zip(names, layers, stored, labels, strict=True)]


def merge_layers(path: Path, pixels: np.ndarray, meta: Mapping[str, str]) -> np.ndarray:
    """Label map (X, Y[, ...]) of layers (X, Y[, ...], C).

    Where segments overlap, the later one counts, which is logged, as are new labels of segments that share a value.
    """
    segments = find_segments(meta)
    if pixels.shape[-1] == 1 and all(one.stored == one.label for one in segments):
        return pixels[..., 0]
    labels = np.zeros(pixels.shape[:-1], np.int32)
    overlap = 0
    for one in segments:
        if one.layer >= pixels.shape[-1]:
            continue  # described, but not drawn
        mask = pixels[..., one.layer] == one.stored
        overlap += int(np.count_nonzero(labels[mask]))
        labels[mask] = one.label
    if overlap:
        logger.warning("%s: segments overlap in %d pixels, where the later one counts.", path, overlap)
    if any(one.stored != one.label for one in segments):
        names = ", ".join(f"{one.label} {one.name}" for one in segments)
        logger.warning("%s: segments share a label value, so they are numbered: %s.", path, names)
    return labels
