# SPDX-License-Identifier: Apache-2.0
"""Frames in, one at a time, and an MP4 that every browser plays out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from monai_i2v.files.complete_file import complete_file

__all__ = ["MovieWriter"]

CLOCK = 90000  # ticks per s, of frames that do not follow each other evenly
LEAST_TICKS = CLOCK // 1000
DEFAULT_FRAME_TIME = 1 / 25  # s, where the source does not tell
MAX_RATE = 1000  # frames per s, and s per frame, that players show
# Constant quality without visible loss, a preset that keeps few frames in memory, and the file's index at its
# start, so that a browser can begin to play before it has all of it.
ENCODER_OPTIONS = {"crf": "18", "preset": "veryfast"}
IN_ORDER = {"bf": "0"}  # frames that are stored out of order get the durations of others
CONTAINER_OPTIONS = {"movflags": "+faststart"}


class MovieWriter:
    """Writes an MP4 (H.264, 4:2:0) frame by frame; it appears under its name when `close` has completed it.

    Odd sizes are padded to even ones by repeating the last row or column, as 4:2:0 demands. Leaving a
    ``with`` block through an error discards the file.

    Args:
        path: file to write, usually ``.mp4``.
        size: (height, width) of the frames, px.
        frame_time: seconds from one frame to the next; 1/25 when None.
        frame_times: seconds of each frame to come, rising from 0, where they do not follow each other evenly; else ().

    Raises:
        UsageError: When the file cannot be written, in any of the calls.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from monai_i2v.media.movie_writer import MovieWriter
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with MovieWriter(Path(folder, "gray.mp4"), size=(32, 48), frame_time=0.04) as movie:
        ...         movie.write(np.full((32, 48, 3), 127, dtype=np.uint8))
        ...     Path(folder, "gray.mp4").stat().st_size > 0
        True
    """

    def __init__(
        self,
        path: str | Path,
        *,
        size: tuple[int, int],
        frame_time: float | None = None,
        frame_times: Sequence[float] = (),
    ) -> None:
        self.size = size
        self._stamps = _stamps(frame_times)
        self._files, self._open = ExitStack(), True
        with self._discard_on_error():
            partial = self._files.enter_context(complete_file(path))
            self._container = self._files.enter_context(
                # An absolute path: FFmpeg takes what stands before a colon for a protocol.
                av.open(str(partial.absolute()), "w", format="mp4", options=CONTAINER_OPTIONS)
            )
            shown = min(max(frame_time or DEFAULT_FRAME_TIME, 1 / MAX_RATE), MAX_RATE)
            rate = Fraction(1 / shown).limit_denominator(1001)
            options = {**ENCODER_OPTIONS, **(IN_ORDER if frame_times else {})}
            self._stream = self._container.add_stream("libx264", rate=rate, options=options)
            self._stream.height, self._stream.width = size[0] + size[0] % 2, size[1] + size[1] % 2
            self._stream.pix_fmt = "yuv420p"
            if frame_times:
                self._stream.codec_context.time_base = Fraction(1, CLOCK)
            self._stream.codec_context.thread_count = 1  # the cores belong to the network
            self._stream.codec_context.colorspace = Colorspace.ITU601
            self._stream.codec_context.color_range = ColorRange.MPEG
            self._container.start_encoding()

    def write(self, frame: np.ndarray) -> None:
        """Append one frame, uint8 RGB (H, W, 3) or gray (H, W, 1).

        Raises:
            ValueError: When the frame has another size or type.
            RuntimeError: When the movie is closed or has failed.
        """
        if not self._open:
            raise RuntimeError("the movie is closed; make another MovieWriter to write more frames.")
        if frame.shape[:2] != self.size or frame.dtype != np.uint8:
            raise ValueError(
                f"frame must be uint8 of size {self.size}, got {frame.dtype} {frame.shape}; give all "
                "frames in the size that the writer was made for."
            )
        margins = [(0, side % 2) for side in self.size] + [(0, 0)]
        rgb = np.pad(np.broadcast_to(frame, (*self.size, 3)), margins, mode="edge")
        picture = av.VideoFrame.from_ndarray(rgb, format="rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.MPEG)
        picture.pts = next(self._stamps, None)  # None: one frame time after the frame before
        with self._discard_on_error():
            self._container.mux(self._stream.encode(picture))

    def close(self) -> None:
        """Complete the file and give it its name. Closing twice does nothing."""
        if self._open:
            with self._discard_on_error():
                self._container.mux(self._stream.encode(None))
                self._open = False
                self._files.close()

    def __enter__(self) -> MovieWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._open = False
            self._files.__exit__(kind, error, traceback)

    @contextmanager
    def _discard_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._open = False
            self._files.__exit__(*sys.exc_info())
            raise


def _stamps(times: Sequence[float]) -> Iterator[int]:
    """Time stamps in ticks; frames that are closer than players show come as soon as possible."""
    stamp = -LEAST_TICKS
    for time in times:
        stamp = max(round(time * CLOCK), stamp + LEAST_TICKS)
        yield stamp
