# SPDX-License-Identifier: Apache-2.0
"""How large a network must see a video, so that it sees the objects that were drawn.

Axes: `N` annotated frames, `K` objects, `H W` pixels of the video.
"""

from __future__ import annotations

import logging
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from scipy import ndimage

__all__ = ["DEFAULT_SIZE", "MAX_RAISED", "Size", "Width", "object_widths", "raised_size", "tell_size"]

logger = logging.getLogger(__name__)

Size: TypeAlias = int | Literal["auto"] | None
"""Short side that a network sees, px; None for the video's own, ``"auto"`` for 256 or what small objects need."""

DEFAULT_SIZE = 256
MAX_RAISED = 768  # px, nine times the pixels of 256
LONG = 3.0  # an object whose area is more than so many squares of its width is a line

# Measured on drawn discs and lines with the memory network: compact objects reach Dice 0.75 from 11 to 13 px on, as the
# network sees them, lines from 6 to 8 px. Below the first number the size is raised to the second one.
COMPACT = (11.5, 13.5)
THIN = (7.0, 8.0)


class Width(NamedTuple):
    """How wide an object is at its widest place, px of the video, and whether it is a line."""

    px: float
    is_line: bool


def object_widths(masks: np.ndarray) -> list[Width]:
    """Diameter of the largest circle inside each object, in the frame that shows it best.

    Args:
        masks: (N, K, H, W) or (K, H, W), of which all but 0 is the object.

    Returns:
        One per object that is there.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.tracking.working_size import object_widths
        >>> masks = np.zeros((2, 20, 20))
        >>> masks[0, 5:15, 5:15], masks[1, :, 3:5] = 1, 1
        >>> object_widths(masks)
        [Width(px=10.0, is_line=False), Width(px=2.0, is_line=True)]
    """
    stacked = (masks if masks.ndim == 4 else masks[None]) > 0
    found = [[_width(mask) for mask in frames if mask.any()] for frames in stacked.swapaxes(0, 1)]
    return [max(widths) for widths in found if widths]


def raised_size(widths: list[Width], frame: tuple[int, int]) -> int:
    """The short side at which a network sees all objects, px: 256 unless one is too small, at most `MAX_RAISED`.

    Args:
        widths: of the objects.
        frame: rows and columns of what the network sees, px of the video.

    Example::

        >>> from monai_i2v.tracking.working_size import Width, raised_size
        >>> raised_size([Width(25, False)], (480, 640)), raised_size([Width(25, False)], (1080, 1920))
        (256, 592)
        >>> raised_size([Width(2, True)], (240, 320)), raised_size([Width(2, True)], (1080, 1920))
        (768, 256)
    """
    needed = max((_needed(width, min(frame)) for width in widths), default=DEFAULT_SIZE)
    if needed > 2 * MAX_RAISED:  # even the largest size would show less than half of what is needed
        return DEFAULT_SIZE
    return min(max(needed, DEFAULT_SIZE), MAX_RAISED)


def tell_size(widths: list[Width], frame: tuple[int, int], size: int, *, may_raise: bool) -> None:
    """Log one sentence when the size was raised, or an object is too small for it.

    Args:
        widths: of the objects.
        frame: rows and columns of what the network sees, px of the video.
        size: short side that it sees, px.
        may_raise: the size was free to choose.
    """
    small = [width for width in widths if _needed(width, min(frame), size) > size]
    rows, columns = frame
    if not small and may_raise and size > DEFAULT_SIZE:
        narrowest = min(widths).px
        logger.warning(
            "An object is %.0f px wide in %d x %d px, so the network sees the video at size %d instead of %d, which "
            "takes about %.1f times as long; give --size %d to do without.",
            *(narrowest, columns, rows, size, DEFAULT_SIZE, (size / DEFAULT_SIZE) ** 2, DEFAULT_SIZE),
        )
    elif small:
        narrowest = min(small).px
        logger.warning(
            "An object is %.0f px wide in %d x %d px, and %.1f px as the network sees it at size %d, so its masks will "
            "be coarse; give a video that is cut to its surroundings, or a larger --size (%d shows it well).",
            *(narrowest, columns, rows, narrowest * size / min(frame), size),
            max(_needed(width, min(frame)) for width in small),
        )


def _width(mask: np.ndarray) -> Width:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    inside = np.pad(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 1)
    # Distances are between centers of pixels: a square of n px has its farthest one (n + 1) // 2 from the outside.
    px = 2 * float(ndimage.distance_transform_edt(inside).max()) - (0 if _is_even(inside) else 1)
    return Width(px, int(mask.sum()) > LONG * px * px)


def _is_even(inside: np.ndarray) -> bool:
    """Whether no pixel has the object all around it as far as it reaches: then its width is even."""
    distances = ndimage.distance_transform_cdt(inside, "chessboard")
    return bool(ndimage.minimum_filter(distances == distances.max(), 2).any())


def _needed(width: Width, side: int, size: int = DEFAULT_SIZE) -> int:
    """The size that an object needs, in multiples of 16 px; what there is, `size`, when that will do."""
    least, wanted = THIN if width.is_line else COMPACT
    seen = width.px * size / side
    if not width.is_line and size >= side:  # there is no more to see
        least, wanted = THIN
    if seen >= least:
        return size
    needed = wanted * side / width.px
    if not width.is_line:
        needed = max(min(needed, side), THIN[1] * side / width.px)
    return int(np.ceil(needed / 16)) * 16
