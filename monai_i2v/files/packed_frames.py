# SPDX-License-Identifier: Apache-2.0
"""Label maps of a whole video that wait, compressed, until their file is written.

Axes: `T` frames, `H W` pixels.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from monai_i2v.files.scratch_file import ScratchFile

__all__ = ["PackedFrames"]

FAST = 1  # level of compression; masks become a hundredth with any


class PackedFrames:
    """Takes label maps in any order, and gives all of them in order, one at a time; the last of a frame counts.

    Args:
        length: frames.
        size: (H, W).

    Example::

        >>> import numpy as np
        >>> from monai_i2v.files.packed_frames import PackedFrames
        >>> frames = PackedFrames(2, (1, 3))
        >>> frames.write(1, np.array([[0, 300, 1]]))
        >>> frames.dtype, [frame.tolist() for frame in frames]
        (dtype('uint16'), [[[0, 0, 0]], [[0, 300, 1]]])
    """

    def __init__(self, length: int, size: tuple[int, int]) -> None:
        self.shape = (length, *size)
        self.dtype = np.dtype(np.uint8)  # the smallest unsigned type that holds all labels
        self._file = ScratchFile()
        self._places: dict[int, tuple[int, int, np.dtype]] = {}

    def write(self, index: int, labels: np.ndarray) -> None:
        """Take the label map (H, W) of a frame.

        Raises:
            UsageError: When the temporary folder is full.
        """
        needed = np.min_scalar_type(int(labels.max(initial=0)))
        self.dtype = np.promote_types(needed, self.dtype)
        packed = zlib.compress(np.ascontiguousarray(labels, needed).tobytes(), FAST)
        self._places[index] = (self._file.append(packed), len(packed), needed)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        """Label maps (H, W) of one type; 0 for frames that were never written."""
        for index in range(len(self)):
            if index not in self._places:
                yield np.zeros(self.shape[1:], self.dtype)
                continue
            offset, length, dtype = self._places[index]
            stored = zlib.decompress(self._file.read(offset, length))
            yield np.frombuffer(stored, dtype).reshape(self.shape[1:]).astype(self.dtype)
