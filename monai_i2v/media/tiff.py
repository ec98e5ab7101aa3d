# SPDX-License-Identifier: Apache-2.0
"""TIFF files that are to be shown turned, which Pillow 13 scrambles where they are not compressed."""

from __future__ import annotations

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

__all__ = ["read_stored_size"]

WIDTH, HEIGHT = 256, 257  # tags of TIFF 6.0


def read_stored_size(image: Image.Image) -> None:
    """Give an opened, unread TIFF the size that is stored; Pillow gives it that of the turned picture.

    Raw data are laid out by that size, and are turned when they are read. Compressed data and other formats stay.
    """
    if isinstance(image, TiffImageFile) and image.tile and image.tile[0][0] == "raw":
        image._size = (int(image.tag_v2[WIDTH]), int(image.tag_v2[HEIGHT]))
