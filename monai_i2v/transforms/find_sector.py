# SPDX-License-Identifier: Apache-2.0
"""Finds the sector of an ultrasound picture: where there is echo, and which fan or rectangle that fills.

Axes: `T` frames, `C` image channels, `X Y` pixels as MONAI loads them.
"""

from __future__ import annotations

from math import atan, degrees

import torch
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.transforms.picture_region import box_of, few_frames, grain_of, grow, largest_around, picture_region
from monai_i2v.transforms.sector import Fan, Rectangle, Sector, beams_of_pixels, sector_mask
from monai_i2v.transforms.unit_frames import unit_frames

__all__ = ["find_sector"]

LEVEL = 1.5 / 255  # the least deviation that compression leaves of echoes
NOISE = 2.5  # of the deviation of a corner without echo, where a recording is noisy all over
SHARE = 0.15  # of the deviation of strong echoes, that noise has at most; corners with more show echo
ECHO = 5 / 255  # of a still, the darkest gray of an echo
EDGE_ANGLES = torch.deg2rad(torch.arange(-10.0, 85.0, 0.5))  # of a sector's side, from straight down, outward
EDGE = 1.5  # px, thickness of a side
BEYOND = 3  # how many pixels on a side one beyond it outweighs
MIN_SIDE = 2  # rounded corners, of rows in which a side can be seen
MIN_OPENING = 10.0  # degrees; sides that open less are parallel
MIN_SHARE = 0.3  # of a ring around the apex, between the sides, that must hold echo
MIN_FIT = 0.95  # share of the echo that must lie in the fan
MIN_FILL = 0.5  # share of the fan that must hold echo


def find_sector(clip: Tensor) -> Sector:
    """Find the fan or the rectangle that an ultrasound clip shows.

    In a clip, echo is what changes from frame to frame, so texts, rulers and frozen marks are left out; in a still
    (or a frozen clip) it is what is brighter than black and not flat. The largest dense region of it counts. Its left
    and right sides are the lines that most of its outermost pixels lie on and hardly any lies beyond.

    Args:
        clip: (C, X, Y, T) or a still (C, X, Y), y downward from the probe, black outside.

    Returns:
        A fan, when straight sides that open by 10 degrees or more hold the echo, and the picture shows some part of
        both; else the rectangle around it. Not seen are depths from which no echo returns in any frame, and that there
        are several views side by side; in a still, dense small letters that touch the echo count as echo.

    Raises:
        UsageError: When there is no echo.

    Example::

        >>> import torch
        >>> from monai_i2v.phantoms import Phantom
        >>> from monai_i2v.transforms import find_sector
        >>> frames = torch.stack(list(Phantom("ultrasound", length=8, size=(128, 160))))  # (T, C, Y, X)
        >>> fan = find_sector(frames.permute(1, 3, 2, 0))
        >>> [round(value) for value in (*fan.apex, *fan.radii, *fan.angles)]
        [79, 3, 2, 120, -40, 40]
    """
    gray = unit_frames(few_frames(clip)).mean(dim=1)  # (T, X, Y)
    active = _changes(gray)
    if not active.any():
        active = _echoes(gray.mean(dim=0))
    active = active.cpu()
    region = picture_region(active)
    if not region.any():
        raise UsageError(
            f"no echo was found in a clip of shape {tuple(clip.shape)}, expected a bright sector on black; remove the "
            "clip, or give the sector by hand."
        )
    x, y = box_of(region)
    box = Rectangle((x.start - 0.5, y.start - 0.5), (x.stop - 0.5, y.stop - 0.5))
    return _fan(region, active & grow(region, grain_of(region.shape))) or box


def _changes(gray: Tensor) -> Tensor:
    """Pixels (X, Y) of gray frames (T, X, Y) that change over time."""
    deviation = gray.std(dim=0, correction=0)
    grain = grain_of(deviation.shape)
    ends = slice(None, grain), slice(-grain, None)
    noise = min(float(deviation[x, y].mean()) for x in ends for y in ends)  # one corner shows no echo
    strong = float(deviation.flatten().quantile(0.98))
    return deviation > max(LEVEL, min(NOISE * noise, SHARE * strong))


def _echoes(gray: Tensor) -> Tensor:
    """Pixels (X, Y) of a gray picture (X, Y) that are neither black nor flat."""
    spread = largest_around(gray, 3) + largest_around(-gray, 3)
    return (gray > ECHO) & (spread > LEVEL)


def _fan(region: Tensor, active: Tensor) -> Fan | None:
    """The fan that fits a region (X, Y) and the active pixels (X, Y) in and around it."""
    rows = region.any(dim=0).nonzero()[:, 0]
    columns = torch.arange(len(region))[:, None]
    first = torch.where(region, columns, len(region)).amin(dim=0)[rows]
    last = torch.where(region, columns, -1).amax(dim=0)[rows]
    kept = first > 0, last < len(region) - 1  # not where the picture's border cuts the sector
    if min(one.sum() for one in kept) < MIN_SIDE * grain_of(region.shape):
        return None
    left, left_slope = _side(first[kept[0]].float(), rows[kept[0]].float())
    right, right_slope = _side(-last[kept[1]].float(), rows[kept[1]].float())  # mirrored
    left, right, right_slope = left - 0.5, 0.5 - right, -right_slope  # from pixels' centers to their borders
    angles = degrees(atan(left_slope)), degrees(atan(right_slope))
    if angles[1] - angles[0] < MIN_OPENING:
        return None
    top = (right - left) / (left_slope - right_slope)
    apex = left + left_slope * top, top
    fan = Fan(apex, _radii(active, apex, angles), angles)
    mask = sector_mask(fan, region.shape)
    shared = (mask & region).sum()
    return fan if shared >= MIN_FIT * region.sum() and shared >= MIN_FILL * mask.sum() else None


def _side(x: Tensor, y: Tensor) -> tuple[float, float]:
    """The line x = a + b y, as (a, b), that most of the leftmost pixels (N,) of a region lie on."""
    distance = EDGE_ANGLES.cos()[:, None] * x + EDGE_ANGLES.sin()[:, None] * y  # (angles, N), larger to the right
    ordered = distance.sort(dim=1).values
    before = torch.searchsorted(ordered, ordered - EDGE)
    on_line = torch.searchsorted(ordered, ordered + EDGE, right=True) - before
    best = int((on_line - BEYOND * before).argmax())
    angle, place = divmod(best, len(x))
    inliers = (distance[angle] - ordered[angle, place]).abs() <= EDGE
    centered = y[inliers] - y[inliers].mean()
    slope = float((centered * x[inliers]).sum() / centered.square().sum().clamp(min=1))
    return float(x[inliers].mean()) - slope * float(y[inliers].mean()), slope


def _radii(active: Tensor, apex: tuple[float, float], angles: tuple[float, float]) -> tuple[float, float]:
    """Where activity (X, Y) begins and ends between two sides."""
    beam, radius = beams_of_pixels(Fan(apex, (0.0, 1.0), angles), active.shape)
    between = (beam >= 0) & (beam <= 1)
    rings = radius[between].round().long()
    total = torch.bincount(rings)
    share = torch.bincount(rings, weights=active[between].float(), minlength=len(total)) / total.clamp(min=1)
    rings = (share > MIN_SHARE).nonzero()[:, 0]
    return max(float(rings[0]) - 0.5, 0.0), float(rings[-1]) + 0.5
