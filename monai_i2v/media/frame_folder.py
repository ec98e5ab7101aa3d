# SPDX-License-Identifier: Apache-2.0
"""Pictures in a folder as a video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.files.natural_order import natural_order
from monai_i2v.media.intensity_window import find_window, sample_frames
from monai_i2v.media.picture import PICTURE_ERRORS, PICTURE_SUFFIXES, Picture, find_pages
from monai_i2v.media.video import FrameError, Video, VideoInfo

__all__ = ["FrameFolder", "find_pictures"]


class FrameFolder(Video):
    """Pictures of one size, one after the other.

    Gray pictures keep their depth. When some are in color, all are read as RGB.

    Args:
        path: folder, glob or file that the pictures were found with.
        pictures: the frames in order, at least one.

    Raises:
        UsageError: When the pictures have different sizes, or none of them can be read.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from monai_i2v.media.frame_folder import FrameFolder, find_pictures
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for number in (2, 10):
        ...         Image.new("L", (40, 30), color=number).save(Path(folder) / f"frame_{number}.png")
        ...     video = FrameFolder(folder, find_pictures(Path(folder)))
        ...     [int(video.read(index)[0, 0, 0]) for index in range(len(video))]
        [2, 10]
    """

    def __init__(self, path: str | Path, pictures: Sequence[Picture]) -> None:
        height, width, self._channels = _find_layout(path, pictures)
        super().__init__(VideoInfo(str(path), "frames", len(pictures), height, width))
        self.pictures = tuple(pictures)
        self.window = find_window(sample_frames(self))

    def read(self, index: int) -> np.ndarray:
        picture = self.pictures[index]
        try:
            frame = picture.read()
        except PICTURE_ERRORS as error:
            raise FrameError(
                f"frame {index} ({picture.path.name}) cannot be decoded; expected an undamaged picture; replace the "
                "file."
            ) from error
        return np.broadcast_to(frame, (*frame.shape[:2], self._channels))


def find_pictures(folder: Path, is_wanted: Callable[[Path], bool] = lambda path: True) -> list[Picture]:
    """All pictures in a folder (not below it), in the order of their names, see `natural_order`.

    Args:
        folder: the folder.
        is_wanted: which files to take; hidden ones are left out anyway.
    """
    paths = [path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()]
    visible = [path for path in paths if not path.name.startswith(".") and is_wanted(path)]
    return [page for path in natural_order(visible) for page in find_pages(path)]


def _find_layout(path: str | Path, pictures: Sequence[Picture]) -> tuple[int, int, int]:
    first: Picture | None = None
    height = width = channels = 0
    for picture in pictures:
        try:
            layout = picture.layout()
        except PICTURE_ERRORS:
            continue  # reading this one raises a FrameError
        if first is None:
            first, (height, width) = picture, layout[:2]
        if layout[:2] != (height, width):
            raise UsageError(
                f"{path} has frames of different sizes: {first.path.name} is {width} x {height} and "
                f"{picture.path.name} is {layout[1]} x {layout[0]} (width x height); expected one size; "
                "crop or resize them, or move other pictures elsewhere."
            )
        channels = max(channels, layout[2])
    if first is None:
        raise UsageError(
            f"{path} holds no picture that can be read; expected PNG, JPG, TIF, BMP or GIF files; copy or export them "
            "again."
        )
    return height, width, channels
