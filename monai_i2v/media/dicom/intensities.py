# SPDX-License-Identifier: Apache-2.0
"""From stored numbers to the units of the modality (Hounsfield units, mL ...), frame by frame."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset
from pydicom.uid import ExplicitVRBigEndian

from monai_i2v.media.dicom.frame_groups import find_in_frame, numbers_of
from monai_i2v.media.dicom.lookup_table import LookupTable, read_table

__all__ = ["is_padding", "read_item_table", "to_intensities"]


def to_intensities(pixels: np.ndarray, header: Dataset, number: int = 0) -> np.ndarray:
    """Apply the modality's lookup table, or slope and intercept, of a frame; a slope of 1 changes nothing.

    Args:
        pixels: stored numbers, of any shape.
        header: what `read_header` gives.
        number: of the frame in the file, from 0.

    Example::

        >>> import numpy as np
        >>> from pydicom import Dataset
        >>> from monai_i2v.media.dicom.intensities import to_intensities
        >>> header = Dataset()
        >>> header.RescaleSlope, header.RescaleIntercept = 2, -5
        >>> to_intensities(np.array([1, 2]), header)
        array([-3., -1.])
    """
    tables = find_in_frame(header, "ModalityLUTSequence", number)
    if tables:
        return read_item_table(tables[0], header)(pixels)
    slope = (numbers_of(header, "RescaleSlope", number) or [1.0])[0]
    intercept = (numbers_of(header, "RescaleIntercept", number) or [0.0])[0]
    if slope == 1 and intercept == 0:
        return pixels
    return pixels.astype(np.float64) * slope + intercept


def is_padding(pixels: np.ndarray, header: Dataset, number: int = 0) -> np.ndarray:
    """Which stored numbers are no measurement, as outside the field of view (Pixel Padding Value, Range Limit)."""
    ends = [*numbers_of(header, "PixelPaddingValue", number)[:1], *numbers_of(header, "PixelPaddingRangeLimit")[:1]]
    if not numbers_of(header, "PixelPaddingValue", number):
        return np.zeros(pixels.shape, bool)
    return (pixels >= min(ends)) & (pixels <= max(ends))


def read_item_table(item: Dataset, header: Dataset, *, is_signed: bool | None = None) -> LookupTable:
    """Lookup table out of an item of a Modality or VOI LUT sequence."""
    is_little = header.file_meta.TransferSyntaxUID != ExplicitVRBigEndian
    signed = header.get("PixelRepresentation") == 1 if is_signed is None else is_signed
    return read_table(item.LUTDescriptor, item.LUTData, is_signed=signed, is_little=is_little)
