# SPDX-License-Identifier: Apache-2.0
"""A video whose next frames are decoded while one is looked at."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from torch import Tensor

from monai_i2v.media.video import Video

__all__ = ["ReadAhead"]

COUNT = 2  # frames that wait; decoding is faster than any network, so more would only take memory


class ReadAhead(Video):
    """Another video, in which a thread decodes what follows while frames are read one after the other.

    Forward or backward: the last two frames tell. All decoding is done by that one thread. Closing it leaves the other
    video open.

    Args:
        video: where the frames come from; it is read by nobody else meanwhile.

    Example::

        >>> from monai_i2v.media.read_ahead import ReadAhead
        >>> from monai_i2v.phantoms import Phantom
        >>> with ReadAhead(Phantom(length=3, size=(32, 48))) as video:
        ...     [tuple(video[index].shape) for index in (2, 1, 0)]
        [(3, 32, 48), (3, 32, 48), (3, 32, 48)]
    """

    def __init__(self, video: Video) -> None:
        super().__init__(video.info, video.window)
        self._video, self._pool = video, ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._waiting: dict[int, Future[Tensor]] = {}
        self._last: int | None = None
        self._step = 0

    def read(self, index: int) -> np.ndarray:
        """See `Video.read`."""
        return self._pool.submit(self._video.read, index).result()

    def show(self, index: int) -> np.ndarray:
        """See `Video.show`."""
        return self._pool.submit(self._video.show, index).result()

    def __getitem__(self, index: int) -> Tensor:
        if self._last is not None and index != self._last:
            self._step = index - self._last if abs(index - self._last) == 1 else 0
        self._last = index
        wanted = self._waiting.pop(index, None)
        expected = [index + self._step * count for count in range(1, COUNT + 1) if self._step]
        for other in set(self._waiting) - set(expected):
            self._waiting.pop(other).cancel()
        frame = wanted or self._pool.submit(self._video.__getitem__, index)
        for other in expected:
            if 0 <= other < len(self) and other not in self._waiting:
                self._waiting[other] = self._pool.submit(self._video.__getitem__, other)
        return frame.result()

    def close(self) -> None:
        """Stop decoding, when the frame at work is done."""
        self._waiting.clear()
        self._pool.shutdown(cancel_futures=True)
