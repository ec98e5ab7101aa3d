# SPDX-License-Identifier: Apache-2.0
"""Simpson's method of discs: the volume of a chamber from its outline in one view."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["simpson_volume"]

DISCS = 20  # as echocardiography does it: Lang et al., J Am Soc Echocardiogr 2015


def simpson_volume(mask: np.ndarray, spacing: tuple[float, float] = (1.0, 1.0)) -> float:
    """Volume of a chamber as a stack of 20 round discs across its long axis (single-plane Simpson).

    Only the outline of the largest part counts: specks are left out and holes belong to the chamber. Its long axis is
    the principal axis of that area, from end to end: of a ventricle with an even base, the line from the apex to the
    middle of the annulus. The mask does not tell where the annulus is, so a chamber that is wider than long is taken
    across. A disc's diameter is the area of its slab divided by the slab's height.

    Args:
        mask: chamber (H, W), bool.
        spacing: length of a pixel, (row, column), mm.

    Returns:
        The volume in mm^3, or in px^3 with the default spacing; 0 for an empty mask.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.report import simpson_volume
        >>> rows, columns = np.ogrid[-40:41, -40:41]
        >>> sphere = 4 / 3 * np.pi * 30**3
        >>> round(simpson_volume(rows**2 + columns**2 <= 30**2) / sphere, 2)
        0.99
    """
    size = np.asarray(spacing, dtype=float)
    points = np.argwhere(_outlined(mask)) * size  # (pixels, 2), mm
    if not len(points):
        return 0.0
    points -= points.mean(axis=0)
    spread = points.T @ points / len(points) + np.diag(size**2) / 12  # a pixel is an area, not a point
    axis = np.linalg.eigh(spread)[1][:, -1]
    along = points @ axis
    pixel = float(np.linalg.norm(size * axis))  # height of a slab that is spread along the axis as a pixel is
    cuts = np.linspace(along.min() - pixel / 2, along.max() + pixel / 2, DISCS + 1)
    below = [np.clip((cut - along) / pixel + 0.5, 0, 1).sum() for cut in cuts]  # pixels and parts of pixels
    height = cuts[1] - cuts[0]
    diameters = np.diff(below) * size.prod() / height
    return float(math.pi / 4 * height * (diameters**2).sum())


def _outlined(mask: np.ndarray) -> np.ndarray:
    """The largest connected part of a mask, with its holes filled."""
    import SimpleITK as sitk  # noqa: N813

    rows, columns = np.nonzero(mask)
    if not len(rows):
        return mask
    crop = mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    parts = sitk.RelabelComponent(sitk.ConnectedComponent(sitk.GetImageFromArray(crop.astype(np.uint8))))  # by size
    return sitk.GetArrayFromImage(sitk.BinaryFillhole(parts == 1)).astype(bool)
