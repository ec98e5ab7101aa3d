# SPDX-License-Identifier: Apache-2.0
"""The colors of DICOM pictures that store numbers of colors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydicom import Dataset
from pydicom.uid import ExplicitVRBigEndian

from monai_i2v.media.dicom.lookup_table import LookupTable, expand_segments, read_table

__all__ = ["Palette", "read_palette"]

BYTE_MAX = 255


class Palette(NamedTuple):
    """A table per color, and by how many bits their entries are longer than 8."""

    tables: tuple[LookupTable, ...]
    shift: int

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Numbers (H, W) to colors (H, W, 3), uint8."""
        return np.stack([(table(pixels) >> self.shift).astype(np.uint8) for table in self.tables], axis=-1)


def read_palette(header: Dataset) -> Palette:
    """Read the palette of a file, also a segmented one.

    Entries up to 255 are 8 bit, even where the descriptor says 16: a palette so dark would show nothing.

    Raises:
        Exception: One of the `DICOM_ERRORS`, when it has none, or it cannot be read.

    Example::

        >>> from pathlib import Path
        >>> import numpy as np
        >>> from pydicom.examples import get_path
        >>> from monai_i2v.media.dicom.header import read_header
        >>> from monai_i2v.media.dicom.palette import read_palette
        >>> read_palette(read_header(Path(get_path("palette_color"))))(np.array([[0]])).shape
        (1, 1, 3)
    """
    tables = tuple(_read(header, color) for color in ("Red", "Green", "Blue"))
    bits = int(header.RedPaletteColorLookupTableDescriptor[2])
    if max(int(table.entries.max()) for table in tables) <= BYTE_MAX:
        return Palette(tables, 0)
    return Palette(tables, bits - 8 if 8 < bits < 16 else 8)


def _read(header: Dataset, color: str) -> LookupTable:
    descriptor = header[f"{color}PaletteColorLookupTableDescriptor"].value
    is_little = header.file_meta.TransferSyntaxUID != ExplicitVRBigEndian
    data = header.get(f"{color}PaletteColorLookupTableData")
    if not data:
        segments = header[f"Segmented{color}PaletteColorLookupTableData"].value
        data = expand_segments(descriptor, segments, is_little=is_little).tolist()
    return read_table(descriptor, data, is_signed=header.get("PixelRepresentation") == 1, is_little=is_little)
