# SPDX-License-Identifier: Apache-2.0
"""An outline from a box and clicks, without a network: what is nearer to the inside than to the outside.

Axes: `H W` pixels of the video, `C` image channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from monai_i2v.errors import UsageError

__all__ = ["Point", "outline_by_clicks"]

Point: TypeAlias = tuple[int, int]
"""Column and row, px."""

SIGMA = 1.5  # px, of the gradient
STRONG = 90.0  # percentile of the gradient's magnitudes that slows a front down to half
SLOWEST = 0.01  # speed at the steepest edge; 1 where nothing changes
ALIKE = 0.15  # difference of intensity to the first click, as a share of the range, that slows a front down to half


def outline_by_clicks(
    picture: np.ndarray, inside: Sequence[Point], outside: Sequence[Point] = (), box: tuple[Point, Point] | None = None
) -> np.ndarray:
    """The part of a frame that fronts from the inside reach before those from the outside (fast marching).

    Fronts are slow where intensities change (geodesic distance: Criminisi et al., ECCV 2008).

    Args:
        picture: frame (H, W, C), any numeric type.
        inside: points on the object; the center of the box when there is none.
        outside: points beside it.
        box: two corners of a rectangle around it; the whole frame when None. Its border is outside.

    Returns:
        Mask (H, W), bool, in one part, without holes.

    Raises:
        UsageError: When a point is not in the frame, or there is neither a box nor a point inside.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.session import outline_by_clicks
        >>> picture = np.zeros((40, 40, 1), np.uint8)
        >>> picture[10:30, 12:28] = 200
        >>> mask = outline_by_clicks(picture, [(20, 20)], box=((10, 8), (30, 32)))
        >>> bool((mask == (picture[..., 0] > 0)).mean() > 0.95)
        True
    """
    height, width = picture.shape[:2]
    box = box or ((0, 0), (width - 1, height - 1))
    for x, y in [*inside, *outside, *box]:
        if not (0 <= x < width and 0 <= y < height):
            raise UsageError(f"the point ({x}, {y}) is not in the frame of {width} x {height} px; choose one that is.")
    (left, right), (top, bottom) = (sorted(values) for values in zip(*box, strict=True))
    if right - left < 2 or bottom - top < 2:
        raise UsageError("the box is smaller than 3 x 3 px, expected one around an object; draw a larger one.")
    part = picture[top : bottom + 1, left : right + 1].astype(np.float32).mean(axis=2)
    seeds = [_within(points, left, top, part.shape) for points in (inside, outside)]
    mask = np.zeros((height, width), bool)
    mask[top : bottom + 1, left : right + 1] = _nearer(part, *seeds)
    return mask


def _nearer(part: np.ndarray, inside: list[Point], outside: list[Point]) -> np.ndarray:
    """Of a part (h, w) of a frame."""
    height, width = part.shape
    inside = inside or [(width // 2, height // 2)]
    border = [(x, y) for x in range(width) for y in (0, height - 1)] + [
        (x, y) for y in range(height) for x in (0, width - 1)
    ]
    speed = _speed(part, inside, clicks=len(inside) + len(outside))
    near, far = (_arrival(speed, points) for points in (inside, [*border, *outside]))
    return _whole(near < far, inside[0])


def _speed(part: np.ndarray, inside: Sequence[Point], clicks: int) -> np.ndarray:
    """Speed of a front: 1 where nothing changes and all is as at the clicks, which counts less with each of them."""
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(part)
    edges = sitk.GetArrayFromImage(sitk.GradientMagnitudeRecursiveGaussian(image, SIGMA))
    strong = float(np.percentile(edges, STRONG)) or float(edges.max()) or 1.0
    smooth = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(image, SIGMA))
    apart = np.min([np.abs(smooth - smooth[y, x]) for x, y in inside], axis=0) / (float(np.ptp(smooth)) or 1.0)
    return np.maximum(1 / (1 + (edges / strong) ** 2 + (apart / (ALIKE * max(clicks, 1))) ** 2), SLOWEST)


def _arrival(speed: np.ndarray, points: Sequence[Point]) -> np.ndarray:
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(speed.astype(np.float32))
    return sitk.GetArrayFromImage(sitk.FastMarching(image, trialPoints=[list(point) for point in points]))


def _whole(mask: np.ndarray, point: Point) -> np.ndarray:
    """The part with a point, without holes."""
    import SimpleITK as sitk  # noqa: N813

    parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8))))
    part = (parts == parts[point[1], point[0]]) & mask
    return sitk.GetArrayFromImage(sitk.BinaryFillhole(sitk.GetImageFromArray(part.astype(np.uint8)))).astype(bool)


def _within(points: Sequence[Point], left: int, top: int, shape: tuple[int, ...]) -> list[Point]:
    """Points of a part, as the part counts them."""
    moved = [(x - left, y - top) for x, y in points]
    return [(x, y) for x, y in moved if 0 < x < shape[1] - 1 and 0 < y < shape[0] - 1]
