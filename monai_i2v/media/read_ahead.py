# SPDX-License-Identifier: Apache-2.0
"""A video whose next frames are decoded while one is looked at."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from monai_i2v.media.video import StoredFrame, Video

__all__ = ["ReadAhead"]

COUNT = 2  # frames that wait; decoding is faster than any network, so more would only take memory


class ReadAhead(Video):
    """Another video, in which a thread decodes what follows while frames are read one after the other.

    Forward or backward: the last two frames tell. All decoding is done by that one thread. Closing it leaves the other
    video open.

    Args:
        video: where the frames come from; it is read by nobody else meanwhile.
        prepare: what the thread makes of each frame besides, as its `prepared`: the upload to a GPU.

    Example::

        >>> from monai_i2v.media.read_ahead import ReadAhead
        >>> from monai_i2v.phantoms import Phantom
        >>> with ReadAhead(Phantom(length=3, size=(32, 48))) as video:
        ...     [tuple(video[index].shape) for index in (2, 1, 0)]
        [(3, 32, 48), (3, 32, 48), (3, 32, 48)]
    """

    def __init__(self, video: Video, prepare: Callable[[StoredFrame], Any] | None = None) -> None:
        super().__init__(video.info, video.window)
        self._video, self._prepare, self._pool = video, prepare, ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._waiting: dict[int, Future[StoredFrame]] = {}
        self._last: int | None = None
        self._step = 0

    def read(self, index: int) -> np.ndarray:
        """See `Video.read`."""
        return self._pool.submit(self._video.read, index).result()

    def show(self, index: int) -> np.ndarray:
        """See `Video.show`."""
        return self._pool.submit(self._video.show, index).result()

    def stored(self, index: int) -> StoredFrame:
        """See `Video.stored`."""
        if self._last is not None and index != self._last:
            self._step = index - self._last if abs(index - self._last) == 1 else 0
        self._last = index
        wanted = self._waiting.pop(index, None)
        expected = [index + self._step * count for count in range(1, COUNT + 1) if self._step]
        for other in set(self._waiting) - set(expected):
            self._waiting.pop(other).cancel()
        frame = wanted or self._pool.submit(self._make, index)
        for other in expected:
            if 0 <= other < len(self) and other not in self._waiting:
                self._waiting[other] = self._pool.submit(self._make, other)
        return frame.result()

    def _make(self, index: int) -> StoredFrame:
        stored = self._video.stored(index)
        _ = stored.frame  # made here, it is at hand
        if self._prepare is not None:
            stored.prepared = self._prepare(stored)
        return stored

    def close(self) -> None:
        """Stop decoding, when the frame at work is done."""
        self._waiting.clear()
        self._pool.shutdown(cancel_futures=True)
