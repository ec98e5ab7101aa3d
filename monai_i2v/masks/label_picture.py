# SPDX-License-Identifier: Apache-2.0
"""Labels out of single pictures: the numbers that are stored, not what they look like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from monai_i2v.errors import UsageError
from monai_i2v.masks.smooth_edges import check_edges
from monai_i2v.media.picture import PICTURE_ERRORS, Picture
from monai_i2v.media.quiet import quiet
from monai_i2v.media.tiff import read_stored_size

__all__ = ["read_label_picture"]

PHOTOMETRIC, MIN_IS_WHITE = 262, 0  # TIFF 6.0, section 3: tag and value
INVERTED_MODES = {"L": 255, "1": True}  # those that Pillow inverts where a TIFF's 0 is white, and their largest value


def read_label_picture(picture: Picture) -> np.ndarray:
    """Stored numbers (H, W): palette indices, gray values in their own depth, or opacity where only that differs.

    A TIFF whose 0 is white keeps its numbers, though it is shown inverted; a picture that says that it is to be shown
    turned (EXIF) is turned.

    Raises:
        UsageError: When it cannot be read, has colors, or its objects have smooth edges.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from monai_i2v.masks.label_picture import read_label_picture
        >>> from monai_i2v.media.picture import Picture
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "mask.png")
        ...     Image.new("L", (2, 1), color=7).save(path)
        ...     read_label_picture(Picture(path)).tolist()
        [[7, 7]]
    """
    try:
        pixels, palette = _read_stored(picture)
    except PICTURE_ERRORS as error:
        raise UsageError(
            f"the mask {picture.path} cannot be read; it is damaged, cut off, or not what its name says; save it again."
        ) from error
    labels = pixels if pixels.ndim == 2 else _one_channel(pixels, picture.path)
    check_edges(picture.path, labels, palette)
    return labels.astype(np.uint8) if labels.dtype == bool else labels


def _read_stored(picture: Picture) -> tuple[np.ndarray, np.ndarray | None]:
    """Pixels (H, W) or (H, W, C), and the palette (N, 3) of an indexed picture."""
    with quiet("PIL"):
        with Image.open(picture.path) as image:
            image.verify()  # compares the checksums of a PNG, which reading does not
        with Image.open(picture.path) as image:
            image.seek(picture.page)
            read_stored_size(image)
            image.load()  # which turns a TIFF
            inverted = getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == MIN_IS_WHITE and image.mode in INVERTED_MODES
            turned = image if image.format == "TIFF" else ImageOps.exif_transpose(image)
            pixels = np.array(turned)
            palette = turned.getpalette("RGB") if turned.mode in ("P", "PA") else None
    if inverted:
        pixels = INVERTED_MODES[image.mode] ^ pixels
    return pixels, None if palette is None else np.reshape(palette, (-1, 3))


def _one_channel(pixels: np.ndarray, path: Path) -> np.ndarray:
    """The numbers of (H, W, C), C = 2 (gray and opacity), 3 (RGB) or 4 (RGB and opacity)."""
    colors, opacity = (pixels[..., :3], pixels[..., 3:]) if pixels.shape[2] >= 3 else np.split(pixels, [1], axis=2)
    if opacity.size and opacity.min() != opacity.max() and (colors == colors[:1, :1]).all():
        return opacity[..., 0]  # one color, of which only some is to be seen
    if (colors != colors[..., :1]).any():
        raise UsageError(
            f"{path} stores colors, so its labels cannot be told; expected an indexed or a gray PNG "
            "whose pixel values are the labels; save the mask as one of these."
        )
    return colors[..., 0]
