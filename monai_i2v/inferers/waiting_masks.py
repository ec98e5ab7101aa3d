# SPDX-License-Identifier: Apache-2.0
"""Masks that wait for those of earlier frames, first in memory, then on disk: memory does not grow with the video.

Axes: `K` objects, `h w` pixels of the network.
"""

from __future__ import annotations

import tempfile
import weakref
import zlib

import numpy as np
import torch
from torch import Tensor

from monai_i2v.errors import UsageError

__all__ = ["WaitingMasks"]

MEMORY = 16 << 20  # bytes; what is more goes to a temporary file


class WaitingMasks:
    """A stack of frames with their probabilities, compressed, in half precision.

    Example::

        >>> import torch
        >>> from monai_i2v.inferers.waiting_masks import WaitingMasks
        >>> waiting = WaitingMasks()
        >>> waiting.push(2, torch.full((1, 1, 4, 4), 0.25))
        >>> waiting.push(1, torch.full((1, 1, 4, 4), 0.5))
        >>> len(waiting), waiting.pop()[0], waiting.pop()[1].max()
        (2, 1, tensor(0.2500))
    """

    def __init__(self) -> None:
        self.file = tempfile.SpooledTemporaryFile(MEMORY)  # noqa: SIM115 (closed with the stack)
        self.places: list[tuple[int, int, torch.Size]] = []  # frame, where it begins, shape
        weakref.finalize(self, self.file.close)

    def __len__(self) -> int:
        return len(self.places)

    def push(self, index: int, prob: Tensor) -> None:
        """Keep probabilities (1, K, h, w) of a frame.

        Raises:
            UsageError: When the temporary folder is full.
        """
        self.places.append((index, self.file.tell(), prob.shape))
        try:
            self.file.write(zlib.compress(prob.detach().half().cpu().numpy().tobytes(), level=1))
            self.file.flush()
        except OSError as error:
            raise UsageError(
                f"the masks of frames before the reference cannot be kept in {tempfile.gettempdir()} "
                f"({error.strerror}); expected space there; free some, or set TMPDIR to another folder."
            ) from error

    def pop(self) -> tuple[int, Tensor]:
        """Take the last frame that was pushed, and its probabilities."""
        index, start, shape = self.places.pop()
        self.file.seek(start)
        packed = self.file.read()
        self.file.seek(start)
        self.file.truncate()
        values = np.frombuffer(zlib.decompress(packed), np.float16)
        return index, torch.from_numpy(values.copy()).view(shape).float()
