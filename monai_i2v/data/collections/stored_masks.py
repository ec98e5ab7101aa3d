# SPDX-License-Identifier: Apache-2.0
"""Masks in all the forms in which collections store them."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from monai_i2v.data.collections.mat_series import read_mat_series
from monai_i2v.errors import UsageError
from monai_i2v.files.readable_file import check_readable
from monai_i2v.masks.mask_files import MAX_LABELS, read_label_series
from monai_i2v.media.picture import PICTURE_ERRORS
from monai_i2v.media.volume_files import VOLUME_SUFFIXES, suffix_of

__all__ = ["open_stored_picture", "read_stored_masks"]

JPEG_SUFFIXES = (".jpg", ".jpeg")
MIDDLE_GRAY = 127
# What is left of Pillow's modes without opacity and palette.
PLAIN_MODES = {"1": "L", "LA": "L", "P": "RGB", "PA": "RGB", "RGBA": "RGB"}


def open_stored_picture(path: Path) -> Image.Image:
    """Open any picture that Pillow knows, also one that is zipped alone (``.ppm.gz``), with its pixels in memory.

    Raises:
        UsageError: When it cannot be read.
    """
    check_readable(path)
    try:
        content = path.read_bytes()
        image = Image.open(io.BytesIO(gzip.decompress(content) if path.suffix.lower() == ".gz" else content))
        image.load()
    except (*PICTURE_ERRORS, zlib.error) as error:
        raise UsageError(f"{path} cannot be read as a picture; it is damaged or cut off; get it again.") from error
    return image


def read_stored_masks(path: Path, binary: bool) -> Iterator[np.ndarray]:
    """Label maps (H, W) of a file: one of a picture, all of a series (NIfTI, MHD, MAT).

    Args:
        path: the file.
        binary: read foreground (1) and background (0): more than middle gray in a JPEG; in files that hold no loss,
            all but 0 where values are small, as labels are, else more than half of the largest value. What counts
            are gray values or the brightest color, not opacity. Otherwise the numbers that are stored.

    Raises:
        UsageError: When it cannot be read, or stores colors instead of labels.
    """
    if path.suffix.lower() == ".mat":
        series = read_mat_series(path)
    elif binary and suffix_of(path) not in VOLUME_SUFFIXES:
        series = _brightness(open_stored_picture(path))[None]
    else:
        series = read_label_series(path)
    return iter(_foreground(series, path) if binary else series)


def _brightness(image: Image.Image) -> np.ndarray:
    """Gray value, or that of the brightest color, (H, W)."""
    pixels = np.array(image.convert(PLAIN_MODES.get(image.mode, image.mode)))
    return pixels if pixels.ndim == 2 else pixels.max(axis=2)


def _foreground(series: np.ndarray, path: Path) -> np.ndarray:
    if path.suffix.lower() in JPEG_SUFFIXES:
        threshold: float = MIDDLE_GRAY
    else:
        largest = series.max(initial=0)
        threshold = 0 if largest <= MAX_LABELS else largest / 2
    return (series > threshold).astype(np.uint8)
