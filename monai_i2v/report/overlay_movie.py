# SPDX-License-Identifier: Apache-2.0
"""The video with its objects painted on, as a movie that any browser plays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from monai_i2v.media.movie_writer import MovieWriter
from monai_i2v.media.video import VideoInfo
from monai_i2v.report.overlay import overlay

__all__ = ["OverlayMovie"]


class OverlayMovie:
    """Writes an MP4, frame by frame; it appears under its name when it is complete.

    Args:
        path: file to write.
        info: facts about the video: its size, and the times of its frames (25 per second when unknown).
        labels: label values of all objects.
        alpha: strength of the fill in [0, 1].

    Raises:
        UsageError: When the file cannot be written, in any of the calls.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.phantoms.phantom import Phantom
        >>> from monai_i2v.report.overlay_movie import OverlayMovie
        >>> video = Phantom(length=3, size=(64, 64))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with OverlayMovie(Path(folder, "overlay.mp4"), video.info, labels=[1]) as movie:
        ...         for index in range(len(video)):
        ...             _ = movie.write(video.read(index), video.label_map(index))
        ...     Path(folder, "overlay.mp4").exists()
        True
    """

    def __init__(self, path: str | Path, info: VideoInfo, *, labels: Sequence[int], alpha: float = 0.3) -> None:
        self.labels, self.alpha = labels, alpha
        size, times = (info.height, info.width), info.frame_times
        self.movie = MovieWriter(path, size=size, frame_time=info.frame_time, frame_times=times)

    def write(self, frame: np.ndarray, label_map: np.ndarray) -> np.ndarray:
        """Append the next frame, uint8 (H, W, 3) or (H, W, 1), with its label map (H, W).

        Returns:
            The painted frame (H, W, 3), uint8, for other uses such as the contact sheet.
        """
        picture = overlay(frame, label_map, self.labels, alpha=self.alpha)
        self.movie.write(picture)
        return picture

    def close(self) -> None:
        """Complete the file and give it its name."""
        self.movie.close()

    def __enter__(self) -> OverlayMovie:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.movie.__exit__(kind, error, traceback)
