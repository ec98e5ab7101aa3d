# SPDX-License-Identifier: Apache-2.0
"""Label maps of a file, frame by frame, where they lie in their video.

Axes: `T` frames, `H W` pixels of the video.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["LabelSeries"]


@dataclass(frozen=True)
class LabelSeries:
    """Stored numbers of one frame, of all frames, or of a part that was cut out of them.

    Args:
        stored: (t, h, w), as the file has them.
        size: (H, W) of the frames.
        length: frames; 1 for a mask that belongs to whatever frame it is used for.
        start: frame, row and column at which `stored` begins.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.masks.label_series import LabelSeries
        >>> series = LabelSeries(np.full((1, 1, 2), 7), size=(2, 3), length=4, start=(2, 0, 1))
        >>> series[2].tolist(), int(series[0].max())
        ([[0, 7, 7], [0, 0, 0]], 0)
    """

    stored: np.ndarray
    size: tuple[int, int]
    length: int
    start: tuple[int, int, int] = (0, 0, 0)

    @classmethod
    def of_frames(cls, stored: np.ndarray) -> LabelSeries:
        """Whole frames (T, H, W)."""
        length, height, width = stored.shape
        return cls(stored, (height, width), length)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> np.ndarray:
        """Stored numbers (H, W) of a frame; 0 where the file has none."""
        number = index - self.start[0]
        inside = 0 <= number < len(self.stored)
        if inside and self.stored.shape[1:] == self.size:
            return self.stored[number]
        labels = np.zeros(self.size, self.stored.dtype)
        if inside:
            _, top, left = self.start
            height, width = self.stored.shape[1:]
            labels[top : top + height, left : left + width] = self.stored[number]
        return labels
