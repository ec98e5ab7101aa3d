# SPDX-License-Identifier: Apache-2.0
"""Masks that wait for those of earlier frames, most of them on disk: memory does not grow with the video.

Axes: `K` objects, `h w` pixels of the network.
"""

from __future__ import annotations

import zlib

import numpy as np
import torch
from torch import Tensor

from monai_i2v.files.scratch_file import ScratchFile

__all__ = ["WaitingMasks"]


class WaitingMasks:
    """A stack of frames with their probabilities, compressed, in half precision.

    Example::

        >>> import torch
        >>> from monai_i2v.tracking.waiting_masks import WaitingMasks
        >>> waiting = WaitingMasks()
        >>> waiting.push(2, torch.full((1, 1, 4, 4), 0.25))
        >>> waiting.push(1, torch.full((1, 1, 4, 4), 0.5))
        >>> len(waiting), waiting.pop()[0], waiting.pop()[1].max()
        (2, 1, tensor(0.2500))
    """

    def __init__(self) -> None:
        self.file = ScratchFile()
        self.places: list[tuple[int, int, int, torch.Size]] = []  # frame, where it lies, how long, shape

    def __len__(self) -> int:
        return len(self.places)

    def push(self, index: int, prob: Tensor) -> None:
        """Keep probabilities (1, K, h, w) of a frame."""
        packed = zlib.compress(prob.detach().half().cpu().numpy().tobytes(), level=1)
        self.places.append((index, self.file.append(packed), len(packed), prob.shape))

    def pop(self) -> tuple[int, Tensor]:
        """Take the last frame that was pushed, and its probabilities."""
        index, offset, length, shape = self.places.pop()
        values = np.frombuffer(zlib.decompress(self.file.read(offset, length)), np.float16)
        self.file.cut(offset)
        return index, torch.from_numpy(values.copy()).view(shape).float()
