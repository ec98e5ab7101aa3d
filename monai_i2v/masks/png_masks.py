# SPDX-License-Identifier: Apache-2.0
"""Label maps as PNG: indexed, so that people see colors and programs get labels, or with 16 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from monai_i2v.errors import UsageError

__all__ = ["MAX_INDEX", "save_png_labels"]

MAX_INDEX = 255  # of a palette
MAX_GRAY = 65535  # of a PNG


def save_png_labels(path: Path, labels: np.ndarray, palette: list[int] | None) -> None:
    """Save labels (H, W) exactly.

    Args:
        path: ends with ``.png``.
        labels: whole numbers from 0, at most 255 with a palette and 65,535 without one.
        palette: 768 numbers, as `png_palette` gives them, for an indexed PNG; None for a gray one of 16 bits.

    Raises:
        UsageError: When a label is larger than 65,535.
        OSError: When the file cannot be written.
    """
    highest = int(labels.max(initial=0))
    if highest > MAX_GRAY:
        raise UsageError(
            f"label {highest} does not fit a PNG; expected at most {MAX_GRAY}; renumber the labels, or give "
            "the video as NIfTI, whose masks have no such limit."
        )
    if palette is None:
        image = Image.fromarray(labels.astype(np.uint16))  # mode I;16
    else:
        image = Image.fromarray(labels.astype(np.uint8))  # mode L
        image.putpalette(palette)  # makes it mode P, values unchanged
    image.save(path)
