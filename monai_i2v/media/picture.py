# SPDX-License-Identifier: Apache-2.0
"""Single pictures: PNG, JPG, BMP, GIF, and the pages of a TIFF."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from monai_i2v.media.quiet import quiet
from monai_i2v.media.tiff import read_stored_size

__all__ = [
    "LOSSLESS_SUFFIXES",
    "PICTURE_ERRORS",
    "PICTURE_SUFFIXES",
    "Picture",
    "find_pages",
    "is_animated",
    "is_inverted",
]

LOSSLESS_SUFFIXES = (".png", ".tif", ".tiff", ".bmp")
PICTURE_SUFFIXES = (*LOSSLESS_SUFFIXES, ".jpg", ".jpeg", ".gif")
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
PAGED_FORMATS = ("TIFF", "PNG", "GIF")  # further pictures in a JPEG are previews, or for the other eye
ORIENTATION, SIDEWAYS = 0x0112, (5, 6, 7, 8)  # EXIF 2.32, section 4.6.4: tag, and values that change the sides
# TIFF 6.0, sections 3 and 8: tags, and values of what is white at 0, and of a preview.
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
SUBFILE_TYPE, REDUCED = 254, 1


@dataclass(frozen=True)
class Picture:
    """One page of an image file, turned upright (EXIF).

    Args:
        path: PNG, JPG, TIF, BMP or GIF.
        page: page of a multi-page TIFF, or frame of an animated picture, from 0.

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
            height, width = (
                (image.width, image.height) if _is_sideways(image, self.path) else (image.height, image.width)
            )
            return height, width, 1 if is_gray else 3

    def read(self) -> np.ndarray:
        """What the picture looks like, (H, W, 1) gray in its own depth or (H, W, 3) RGB in [0, 255]."""
        self._check()
        with self._open() as image:
            _turn_upright(image)
            if image.mode in GRAY_MODES:
                return _as_shown(image)[..., None]
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
    """All pages of a TIFF without its previews, all frames of an animated picture; the one picture of another file.

    A damaged file counts as one picture.
    """
    try:
        with quiet("PIL"), Image.open(path) as image:
            if image.format not in PAGED_FORMATS:
                return [Picture(path)]
            pages = range(getattr(image, "n_frames", 1))
            return [Picture(path, page) for page in pages if not (len(pages) > 1 and _is_preview(image, page))]
    except PICTURE_ERRORS:
        return [Picture(path)]


def is_animated(path: Path) -> bool:
    """Whether a picture is a PNG or GIF that moves."""
    try:
        with quiet("PIL"), Image.open(path) as image:
            return image.format in ("PNG", "GIF") and getattr(image, "is_animated", False)
    except PICTURE_ERRORS:
        return False


def is_inverted(image: Image.Image) -> bool:
    """Whether a TIFF stores white as 0; Pillow then shows gray of up to 8 bits as 255 minus what is stored."""
    return getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO


def _is_preview(image: Image.Image, page: int) -> bool:
    if image.format != "TIFF":
        return False
    image.seek(page)
    return bool(getattr(image, "tag_v2", {}).get(SUBFILE_TYPE, 0) & REDUCED)


def _turn_upright(image: Image.Image) -> None:
    read_stored_size(image)
    ImageOps.exif_transpose(image, in_place=True)


def _as_shown(image: Image.Image) -> np.ndarray:
    pixels = np.array(image)
    if not is_inverted(image) or image.mode == "L":
        return pixels
    return np.iinfo(pixels.dtype).max - pixels if pixels.dtype.kind == "u" else -pixels


def _is_sideways(image: Image.Image, path: Path) -> bool:
    """Whether a picture, not yet decoded, will be turned by 90 degrees."""
    if image.format == "TIFF":
        return False  # Pillow tells its size as it is shown
    if image.format == "PNG" and "exif" not in image.info and not _has_exif(path):
        return False  # else Pillow would decode it to look behind its pixels
    return image.getexif().get(ORIENTATION) in SIDEWAYS


def _has_exif(path: Path) -> bool:
    """Whether a PNG has a chunk ``eXIf``."""
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8 and head[4:] != b"eXIf":
            file.seek(int.from_bytes(head[:4], "big") + 4, 1)
    return head[4:] == b"eXIf"
