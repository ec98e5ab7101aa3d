# SPDX-License-Identifier: Apache-2.0
"""Single pictures: PNG, JPG, BMP, and the pages of a TIFF."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from monai_i2v.media.quiet import quiet

__all__ = ["LOSSLESS_SUFFIXES", "PICTURE_ERRORS", "PICTURE_SUFFIXES", "Picture", "find_pages"]

LOSSLESS_SUFFIXES = (".png", ".tif", ".tiff", ".bmp")
PAGED_SUFFIXES = (".tif", ".tiff", ".png")
PICTURE_SUFFIXES = (*LOSSLESS_SUFFIXES, ".jpg", ".jpeg")
PICTURE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
    MemoryError,
)  # what Pillow raises for damaged files
GRAY_MODES = ("L", "I", "F", "I;16", "I;16B", "I;16L")
PROMOTED_MODES = {"1": "L", "LA": "L", "La": "L"}  # gray pictures that need a conversion


@dataclass(frozen=True)
class Picture:
    """One page of an image file.

    Args:
        path: PNG, JPG, TIF or BMP.
        page: page of a multi-page TIFF or an animated PNG, from 0.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from monai_i2v.media.picture import Picture
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "wide.png"
        ...     Image.new("L", (40, 30), color=7).save(path)
        ...     frame = Picture(path).read()
        >>> frame.shape, int(frame[0, 0, 0])
        ((30, 40, 1), 7)
    """

    path: Path
    page: int = 0

    def layout(self) -> tuple[int, int, int]:
        """Height and width in px, and channels, from the header alone."""
        with self._open() as image:
            is_gray = image.mode in GRAY_MODES or image.mode in PROMOTED_MODES
            return image.height, image.width, 1 if is_gray else 3

    def read(self) -> np.ndarray:
        """What the picture looks like, (H, W, 1) gray in its own depth or (H, W, 3) RGB in [0, 255]."""
        self._check()
        with self._open() as image:
            if image.mode in GRAY_MODES:
                return np.array(image)[..., None]
            if image.mode in PROMOTED_MODES:
                return np.array(image.convert(PROMOTED_MODES[image.mode]))[..., None]
            if image.mode in ("P", "PA"):
                return np.array(image.convert("RGBA"))[..., :3]
            return np.array(image.convert("RGB"))

    @contextmanager
    def _open(self) -> Iterator[Image.Image]:
        with quiet("PIL"), Image.open(self.path) as image:
            image.seek(self.page)
            yield image

    def _check(self) -> None:
        """Compare the checksums of a PNG with its content, which reading does not."""
        with quiet("PIL"), Image.open(self.path) as image:
            image.verify()


def find_pages(path: Path) -> list[Picture]:
    """All pages of a TIFF or an animated PNG; the one picture of any other file, even if it is damaged."""
    if path.suffix.lower() not in PAGED_SUFFIXES:
        return [Picture(path)]
    try:
        with quiet("PIL"), Image.open(path) as image:
            return [Picture(path, page) for page in range(getattr(image, "n_frames", 1))]
    except PICTURE_ERRORS:
        return [Picture(path)]
