# SPDX-License-Identifier: Apache-2.0
"""How a DICOM frame is to be shown: its window, or its table (PS3.3 C.11.2)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydicom import Dataset

from monai_i2v.media.dicom.frame_groups import find_in_frame, numbers_of
from monai_i2v.media.dicom.intensities import read_item_table
from monai_i2v.media.dicom.lookup_table import LookupTable

__all__ = ["Window", "window_of"]


class Window(NamedTuple):
    """Intensities that are shown as 0 and 1, and what comes between them.

    Args:
        low: shown as 0.
        high: shown as 1.
        is_sigmoid: whether all intensities are shown along a sigmoid, whose middle is that of the window.
        table: shades by intensity, which take the place of the line between `low` and `high`.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.media.dicom.window import Window
        >>> Window(0, 20)(np.array([-3.0, 5.0, 99.0])).tolist()
        [0.0, 0.25, 1.0]
    """

    low: float
    high: float
    is_sigmoid: bool = False
    table: LookupTable | None = None

    @property
    def is_linear(self) -> bool:
        """Whether a line leads from `low` to `high`."""
        return self.table is None and not self.is_sigmoid

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Shades in [0, 1] of intensities of any shape."""
        if self.table is not None:
            return self.table(np.round(frame)) / self.table.top
        if self.is_sigmoid:
            middle, width = (self.low + self.high) / 2, self.high - self.low
            return np.asarray(1 / (1 + np.exp(np.clip(-4 * (frame - middle) / width, -60, 60))))
        return np.clip((frame - self.low) / (self.high - self.low), 0.0, 1.0)


def window_of(header: Dataset, number: int = 0) -> Window | None:
    """The first window of a frame, or where it has none its first table; None without one.

    A linear window of width 1 is none: two shades are no picture, and programs write it for unknown.
    """
    center, width = numbers_of(header, "WindowCenter", number), numbers_of(header, "WindowWidth", number)
    function = str(find_in_frame(header, "VOILUTFunction", number) or "LINEAR").upper()
    edge = 0.0 if function in ("LINEAR_EXACT", "SIGMOID") else 0.5
    if center and width and width[0] > 2 * edge:
        low = center[0] - edge - (width[0] - 2 * edge) / 2
        return Window(low, low + width[0] - 2 * edge, is_sigmoid=function == "SIGMOID")
    tables = find_in_frame(header, "VOILUTSequence", number)
    if not tables:
        return None
    is_signed = header.get("PixelRepresentation") == 1 or any(
        value < 0 for value in numbers_of(header, "RescaleIntercept", number)
    )
    table = read_item_table(tables[0], header, is_signed=is_signed)
    return Window(table.first, table.first + len(table.entries) - 1, table=table)
