# SPDX-License-Identifier: Apache-2.0
"""MP4, AVI, MOV and other movies, by PyAV."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from monai_i2v.errors import UsageError
from monai_i2v.media.movie_index import MOVIE_ERRORS, MovieIndex, decode_frames, index_movie, open_movie_file
from monai_i2v.media.recent_frames import RecentFrames
from monai_i2v.media.video import FrameError, Video, VideoInfo

__all__ = ["MOVIE_SUFFIXES", "Movie"]

MOVIE_SUFFIXES = (
    *(".mp4", ".m4v", ".avi", ".mov", ".mkv", ".wmv", ".webm"),
    *(".mpg", ".mpeg", ".vob", ".ts", ".mts", ".m2ts"),
)
NEAR_FRAMES = 8  # decoding so many frames is about as fast as a seek


class Movie(Video):
    """Frames of a movie file as 8 bit RGB, in the order in which a player shows them, turned upright.

    Threads may read one movie. Workers of a DataLoader may, forked or spawned: each process opens the file for itself.
    Frames are decoded one after the other; once a movie is read backward, it keeps the latest ones (`RecentFrames`).

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
        self._path, self._content = path, content
        self._index = index_movie(path, content)
        self._decoder = _Decoder(path, content, self._index)
        first = next((rgb for rgb in map(self._decoder.find, self._index.stored) if rgb is not None), None)
        if first is None:
            raise UsageError(f"{path} holds no frame that can be decoded; copy or export it again.")
        height, width = first.shape[:2]
        rate = self._decoder.stream.average_rate
        length, frame_time = len(self._index.stamps), float(1 / rate) if rate else None
        info = VideoInfo(str(path), "movie", length, height, width, frame_time)
        super().__init__(replace(info, frame_times=self._index.times))

    def read(self, index: int) -> np.ndarray:
        name = Path(self.info.path).name
        rgb = self._decoder_here().find(self._index.picture_of(index))
        if rgb is None:
            raise FrameError(
                f"frame {index} of {name} cannot be decoded; expected undamaged data; copy the file again."
            )
        if rgb.shape[:2] != (self.info.height, self.info.width):
            raise FrameError(
                f"frame {index} of {name} is {rgb.shape[1]} x {rgb.shape[0]} (width x height); "
                f"expected {self.info.width} x {self.info.height} as the first; export it with one size."
            )
        return rgb

    def close(self) -> None:
        if self._decoder is not None:
            self._decoder.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_decoder": None}

    def _decoder_here(self) -> _Decoder:
        """The decoder of this process: in a forked one, the parent's would move the parent's place in the file."""
        if self._decoder is None or self._decoder.process != os.getpid():
            self._decoder = _Decoder(self._path, self._content, self._index)
        return self._decoder


class _Decoder:
    """A position in a movie, that moves forward by decoding and jumps by seeking."""

    def __init__(self, path: Path, content: bytes | None, index: MovieIndex) -> None:
        self._path, self._content, self._index = path, content, index
        self.process, self._lock = os.getpid(), threading.Lock()
        self._files, self._converter = ExitStack(), VideoReformatter()
        self._recent: RecentFrames | None = None
        self._open()

    def find(self, stamp: int) -> np.ndarray | None:
        """Decode the frame with a time stamp of the index, (H, W, 3); None when it is damaged or missing."""
        with self._lock:
            frame = self._recent.get(stamp) if self._recent else None
            if frame is None:
                frame = self._decode_to(stamp)
            return None if frame is None else self._upright_rgb(frame)

    def close(self) -> None:
        self._files.close()
        self._frame, self._recent = None, None
        self._frames.close()

    def _decode_to(self, stamp: int) -> VideoFrame | None:
        if stamp < self._stamp and self._recent is None:
            self._recent = RecentFrames()
        if not self._is_ahead(stamp):
            self._seek(stamp)
        while self._stamp < stamp:
            self._advance()
        return self._frame if self._stamp == stamp else None

    def _is_ahead(self, stamp: int) -> bool:
        if stamp < self._stamp:
            return False
        keyframes = self._index.keyframes_until(stamp)
        return (
            not keyframes or keyframes[0] <= self._stamp or self._index.count_between(self._stamp, stamp) <= NEAR_FRAMES
        )

    def _seek(self, stamp: int) -> None:
        for keyframe in self._index.keyframes_until(stamp):
            position = self._index.position_of(keyframe)
            place = keyframe if position is None else position
            try:
                self.container.seek(place, stream=self.stream, unsupported_byte_offset=position is not None)
            except MOVIE_ERRORS:
                continue
            self._start(keyframe)
            # Else decoding cannot start there, as in films without full key frames.
            if self._stamp == keyframe or (position is None and self._stamp <= stamp):
                return
        self._open()

    def _open(self) -> None:
        self._files.close()
        self.container, self.stream = self._files.enter_context(open_movie_file(self._path, self._content))
        # A thread of a decoder does not live in a forked process, which waits for it forever to free the decoder.
        self.stream.codec_context.thread_count = 1
        self._start()

    def _start(self, first: float = -math.inf) -> None:
        """Decode from here to the first frame, before which frames may refer to some that are not decoded."""
        self._frames, self._first = self._decode(), first
        self._advance()
        while self._stamp < first:
            self._advance()

    def _advance(self) -> None:
        self._stamp, self._frame = next(self._frames, (math.inf, None))
        if self._frame is not None and self._recent is not None and self._stamp >= self._first:
            self._recent.add(self._stamp, self._frame)

    def _decode(self) -> Generator[tuple[float, VideoFrame | None], None, None]:
        for count, frame in enumerate(decode_frames(self.container, self.stream)):
            stamp = frame.pts if self._index.is_timed and frame.pts is not None else count
            yield stamp, None if frame.is_corrupt else frame

    def _upright_rgb(self, frame: VideoFrame) -> np.ndarray:
        rgb = self._converter.reformat(frame, format="rgb24", threads=1).to_ndarray()
        return np.ascontiguousarray(np.rot90(rgb, k=round(frame.rotation / 90)))
