# SPDX-License-Identifier: Apache-2.0
"""One color per object that color-blind people can tell apart, in overlays, plots and indexed PNGs alike."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["OBJECT_COLORS", "label_colors", "png_palette"]

# Okabe & Ito (2008), "Color Universal Design", RGB in [0, 255]; first those that stand out on gray echoes and
# on pink mucosa. Black is left out, it is the background.
OBJECT_COLORS = (
    (86, 180, 233),  # sky blue
    (240, 228, 66),  # yellow
    (0, 158, 115),  # bluish green
    (230, 159, 0),  # orange
    (204, 121, 167),  # reddish purple
    (0, 114, 178),  # blue
    (213, 94, 0),  # vermilion
)


def label_colors(labels: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    """The color of each object: by its rank among the labels, so up to seven objects never share one.

    Args:
        labels: label values of the objects, in any order, without background.

    Returns:
        RGB in [0, 255] per label value.

    Example::

        >>> from monai_i2v.masks.palette import label_colors
        >>> label_colors([7, 1])
        {1: (86, 180, 233), 7: (240, 228, 66)}
    """
    return {label: OBJECT_COLORS[rank % len(OBJECT_COLORS)] for rank, label in enumerate(sorted(set(labels)))}


def png_palette(labels: Sequence[int]) -> list[int]:
    """The same colors as the palette of an indexed PNG; all other values are black.

    Args:
        labels: label values of the objects; only 1 to 255 fit into an indexed PNG, others are left out.

    Returns:
        768 numbers, R G B of the values 0 to 255, as `PIL.Image.Image.putpalette` takes them.

    Example::

        >>> from monai_i2v.masks.palette import png_palette
        >>> png_palette([1])[:6]
        [0, 0, 0, 86, 180, 233]
    """
    colors = label_colors(labels)
    return [channel for value in range(256) for channel in colors.get(value, (0, 0, 0))]
