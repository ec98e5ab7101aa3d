# SPDX-License-Identifier: Apache-2.0
"""Edges that were drawn smooth (anti-aliased), whose steps would be taken for objects.

Axes: `H W` pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from monai_i2v.errors import UsageError

__all__ = ["check_edges", "find_rims"]

MAX_VALUES = 256  # more are a photo, of which others tell
WHITE = (255, 65535)  # what pictures store where the mask is "on"
# Of the pixels of a rim, how many lie between what is nearer to the object and what is farther from it.
BETWEEN_SHARE = 0.8
# So many thin values around one object are an edge. Fewer are real: a wall around a lumen, two layers of tissue.
MIN_STEPS = {"white": 1, "mixed colors": 2, "any": 3}
COLOR_TOLERANCE = 24.0  # from the line between two colors, of 255


def check_edges(path: Path, labels: np.ndarray, palette: np.ndarray | None = None) -> None:
    """Check a label map (H, W) from a picture.

    Args:
        path: for messages.
        labels: as stored.
        palette: RGB (N, 3) in [0, 255] of an indexed picture.

    Raises:
        UsageError: When an object has a smooth edge.
    """
    rims = find_rims(labels, palette)
    if rims:
        core, values = next(iter(rims.items()))
        listed = ", ".join(map(str, values[:6])) + (" ..." if len(values) > 6 else "")
        raise UsageError(
            f"the mask {path} has smooth edges: {listed} form thin rims around {core}, and would be objects of their "
            "own; expected one value for each object; draw it without smoothing (anti-aliasing)."
        )


def find_rims(labels: np.ndarray, palette: np.ndarray | None = None) -> dict[int, list[int]]:
    """Values that are steps of a smooth edge, by the object whose edge it is.

    A step is nowhere 3 px thick, lies between the object and the background in value (in color, where there is a
    palette), and so do its pixels in the picture. How many of them make an edge: `MIN_STEPS`.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.masks.smooth_edges import find_rims
        >>> labels = np.zeros((9, 9), np.uint8)
        >>> labels[1:8, 1:8], labels[2:7, 2:7] = 128, 255
        >>> find_rims(labels)
        {255: [128]}
    """
    values = np.unique(labels[labels > 0]) if labels.dtype.kind in "biu" else np.array([], int)
    if not 1 < len(values) < MAX_VALUES:
        return {}
    solid = ndimage.minimum_filter(labels, 3) == ndimage.maximum_filter(labels, 3)
    thick = np.unique(labels[solid & (labels > 0)])
    thin = np.setdiff1d(values, thick)
    found = {int(core): _rims_of(int(core), thin, labels, palette) for core in thick}
    other = MIN_STEPS["any" if palette is None else "mixed colors"]
    return {core: rims for core, rims in found.items() if len(rims) >= (MIN_STEPS["white"] if core in WHITE else other)}


def _rims_of(core: int, thin: np.ndarray, labels: np.ndarray, palette: np.ndarray | None) -> list[int]:
    share = {0: 0.0, core: 1.0}  # how much of the object a value shows
    share.update({int(value): own for value in thin if 0 < (own := _share(int(value), core, palette)) < 1})
    if len(share) == 2:
        return []
    known = np.full(int(labels.max()) + 1, np.nan)
    known[list(share)] = list(share.values())
    shares = known[labels]
    higher = ndimage.maximum_filter(np.nan_to_num(shares, nan=-1.0), 3) > shares
    lower = ndimage.minimum_filter(np.nan_to_num(shares, nan=2.0), 3) < shares
    between = higher & lower
    return [int(value) for value in thin if value in share and between[labels == value].mean() >= BETWEEN_SHARE]


def _share(value: int, core: int, palette: np.ndarray | None) -> float:
    """Where a value stands between background (0) and object (1); -1 when it is no mixture of both."""
    if palette is None:
        return value / core
    if max(value, core) >= len(palette):
        return -1.0
    background, full, color = palette[[0, core, value]].astype(float)
    way = full - background
    share = float((color - background) @ way / ((way @ way) or 1.0))
    return share if np.linalg.norm(background + share * way - color) <= COLOR_TOLERANCE else -1.0
