# SPDX-License-Identifier: Apache-2.0
"""MP4, AVI, MOV and other movies, by PyAV."""

from __future__ import annotations

import gc
import math
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from monai_i2v.errors import UsageError
from monai_i2v.media.movie_index import MOVIE_ERRORS, MovieIndex, decode_frames, index_movie, open_movie_file
from monai_i2v.media.video import FrameError, Video, VideoInfo

__all__ = ["MOVIE_SUFFIXES", "Movie"]

MOVIE_SUFFIXES = (".mp4", ".m4v", ".avi", ".mov", ".mkv", ".wmv", ".webm", ".mpg", ".mpeg")
NEAR_FRAMES = 8  # decoding so many frames is about as fast as a seek

if hasattr(os, "register_at_fork"):
    # FFmpeg's decoders have threads, of which a forked process (a worker of a DataLoader) has none: to free a decoder
    # there waits forever. What nobody uses any more is freed before.
    os.register_at_fork(before=gc.collect)


class Movie(Video):
    """Frames of a movie file as 8 bit RGB, in the order in which a player shows them, turned upright.

    Args:
        path: movie file.
        content: the file's bytes when they are in memory (a film inside a DICOM file).

    Raises:
        UsageError: When the file is not a movie, is cut off, or has no frame that can be decoded.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from monai_i2v.media.movie import Movie
        >>> from monai_i2v.media.movie_writer import MovieWriter
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "cine.mp4"
        ...     with MovieWriter(path, size=(32, 48), frame_time=0.04) as writer:
        ...         for _ in range(3):
        ...             writer.write(np.zeros((32, 48, 3), np.uint8))
        ...     with Movie(path) as movie:
        ...         len(movie), movie.read(2).shape, movie.info.frame_time
        (3, (32, 48, 3), 0.04)
    """

    def __init__(self, path: Path, content: bytes | None = None) -> None:
        index = index_movie(path, content)
        self._stamps = index.stamps
        self._decoder = _Decoder(path, content, index)
        first = next((frame for frame in map(self._decoder.find, index.stamps) if frame is not None), None)
        if first is None:
            raise UsageError(f"{path} holds no frame that can be decoded; copy or export it again.")
        height, width = _upright_rgb(first).shape[:2]
        rate = self._decoder.stream.average_rate
        info = VideoInfo(str(path), "movie", len(index.stamps), height, width, float(1 / rate) if rate else None)
        super().__init__(replace(info, frame_times=index.times))

    def read(self, index: int) -> np.ndarray:
        name = Path(self.info.path).name
        frame = self._decoder.find(self._stamps[index])
        if frame is None:
            raise FrameError(
                f"frame {index} of {name} cannot be decoded; expected undamaged data; copy the file again."
            )
        rgb = _upright_rgb(frame)
        if rgb.shape[:2] != (self.info.height, self.info.width):
            raise FrameError(
                f"frame {index} of {name} is {rgb.shape[1]} x {rgb.shape[0]} (width x height); "
                f"expected {self.info.width} x {self.info.height} as the first; export it with one size."
            )
        return rgb

    def close(self) -> None:
        self._decoder.close()


class _Decoder:
    """A position in a movie, that moves forward by decoding and jumps by seeking."""

    def __init__(self, path: Path, content: bytes | None, index: MovieIndex) -> None:
        self._path, self._content, self._index = path, content, index
        self._files = ExitStack()
        self._open()

    def find(self, stamp: int) -> VideoFrame | None:
        """Decode the frame with a time stamp of the index; None when it is damaged or missing."""
        if not self._is_ahead(stamp):
            self._seek(stamp)
        while self._stamp < stamp:
            self._advance()
        if self._frame is None or self._stamp != stamp or self._frame.is_corrupt:
            return None
        return self._frame

    def close(self) -> None:
        self._files.close()

    def _is_ahead(self, stamp: int) -> bool:
        if stamp < self._stamp:
            return False
        keyframes = self._index.keyframes_until(stamp)
        return (
            not keyframes or keyframes[0] <= self._stamp or self._index.count_between(self._stamp, stamp) <= NEAR_FRAMES
        )

    def _seek(self, stamp: int) -> None:
        for keyframe in self._index.keyframes_until(stamp):
            try:
                self.container.seek(keyframe, stream=self.stream)
            except MOVIE_ERRORS:
                continue
            self._start()
            if self._stamp <= stamp:  # else decoding cannot start there, as in films without full key frames
                return
        self._open()

    def _open(self) -> None:
        self._files.close()
        self.container, self.stream = self._files.enter_context(open_movie_file(self._path, self._content))
        self._start()

    def _start(self) -> None:
        self._frames = self._decode()
        self._advance()

    def _advance(self) -> None:
        self._stamp, self._frame = next(self._frames, (math.inf, None))

    def _decode(self) -> Iterator[tuple[float, VideoFrame | None]]:
        for count, frame in enumerate(decode_frames(self.container, self.stream)):
            yield frame.pts if self._index.is_timed and frame.pts is not None else count, frame


def _upright_rgb(frame: VideoFrame) -> np.ndarray:
    rgb = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(rgb, k=round(frame.rotation / 90)))
