# SPDX-License-Identifier: Apache-2.0
"""Frames with their objects painted on: a translucent fill and a crisp contour per object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_i2v.masks.palette import label_colors

__all__ = ["overlay"]


def overlay(frame: np.ndarray, label_map: np.ndarray, labels: Sequence[int], *, alpha: float = 0.3) -> np.ndarray:
    """Paint the objects of a label map on a frame.

    Args:
        frame: picture (H, W, 3) or (H, W, 1), uint8.
        label_map: whole numbers (H, W), 0 = background; values that are not in `labels` are not painted.
        labels: label values of all objects of the video, so that an object keeps its color in every frame.
        alpha: strength of the fill in [0, 1]; the contour, inside the object and one pixel wide (wider in
            pictures above 512 px), is opaque.

    Returns:
        Picture (H, W, 3), uint8.

    Raises:
        ValueError: When frame and label map differ in size, or the frame is not uint8.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.report.overlay import overlay
        >>> overlay(np.zeros((1, 2, 3), np.uint8), np.array([[0, 1]]), labels=[1], alpha=0.5).tolist()
        [[[0, 0, 0], [86, 180, 233]]]
    """
    if frame.dtype != np.uint8 or frame.shape[:2] != label_map.shape:
        raise ValueError(
            f"frame must be uint8 of the label map's size {label_map.shape}, got {frame.dtype} "
            f"{frame.shape}; scale intensities to 0 to 255 and resize one of the two."
        )
    picture = np.broadcast_to(frame, (*label_map.shape, 3)).copy()
    width = 1 + (min(label_map.shape) - 1) // 512
    part = _around_objects(label_map, width)
    painted, label_map = picture[part], label_map[part]
    contour = _contour(label_map, width)
    for label, color in label_colors(labels).items():
        inside = label_map == label
        fill = inside & ~contour
        painted[fill] = np.rint((1 - alpha) * painted[fill] + alpha * np.asarray(color))
        painted[inside & contour] = color
    return picture


def _around_objects(label_map: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Rows and columns with all objects and a margin; nothing else is painted."""
    shown = label_map != 0
    sides = (np.flatnonzero(shown.any(axis=axis)) for axis in (1, 0))
    rows, columns = (
        slice(max(side[0] - margin, 0), side[-1] + 1 + margin) if len(side) else slice(0) for side in sides
    )
    return rows, columns


def _contour(label_map: np.ndarray, width: int) -> np.ndarray:
    """Pixels at most `width` steps from another label; the border of the picture is no contour."""
    inner = np.ones(label_map.shape, dtype=bool)
    vertical = label_map[1:] == label_map[:-1]
    horizontal = label_map[:, 1:] == label_map[:, :-1]
    inner[1:] &= vertical
    inner[:-1] &= vertical
    inner[:, 1:] &= horizontal
    inner[:, :-1] &= horizontal
    for _ in range(width - 1):
        padded = np.pad(inner, 1, constant_values=True)
        inner = inner & padded[2:, 1:-1] & padded[:-2, 1:-1] & padded[1:-1, 2:] & padded[1:-1, :-2]
    return ~inner
