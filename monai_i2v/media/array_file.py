# SPDX-License-Identifier: Apache-2.0
"""NumPy arrays as videos."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.media.intensity_window import find_window, sample_frames
from monai_i2v.media.video import Video, VideoInfo

__all__ = ["ARRAY_SUFFIXES", "ArrayVideo", "open_array"]

ARRAY_SUFFIXES = (".npy", ".npz")
NPY = b"\x93NUMPY"  # how an NPY file begins
ARRAY_ERRORS = (OSError, ValueError, EOFError, SyntaxError, zipfile.BadZipFile, MemoryError)  # of np.load


class ArrayVideo(Video):
    """Frames of an array; [0, 255] is shown for 8 bit, else the 0.5 to 99.5 percentiles of some frames.

    Args:
        path: file of the array.
        frames: (T, H, W) or (T, H, W, C), C = 1 or 3; None reads them from the NPY file one by one.

    Raises:
        UsageError: When the array has another shape or type, or cannot be read.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from monai_i2v.media.array_file import open_array
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(Path(folder, "cine.npy"), np.arange(60, dtype=np.uint8).reshape(5, 2, 6))
        ...     video = open_array(Path(folder, "cine.npy"))
        ...     len(video), video.read(4).shape, int(video.read(4)[1, 5, 0])
        (5, (2, 6, 1), 59)
    """

    def __init__(self, path: Path, frames: np.ndarray | None = None) -> None:
        self._path, self._frames = path, frames
        length, height, width = _checked(path, self._array()).shape[:3]
        super().__init__(VideoInfo(str(path), "array", length, height, width))
        self.window = find_window(sample_frames(self))

    def read(self, index: int) -> np.ndarray:
        frame = np.array(self._array()[index])
        frame = frame.astype(np.uint8) * 255 if frame.dtype == bool else frame
        return frame if frame.ndim == 3 else frame[..., None]

    def _array(self) -> np.ndarray:
        return np.load(self._path, mmap_mode="r", allow_pickle=False) if self._frames is None else self._frames


def open_array(path: Path) -> ArrayVideo:
    """Open an NPY file, or the one array in an NPZ file that can be a video.

    Raises:
        UsageError: When there is none, or several.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(NPY)) == NPY:
                return ArrayVideo(path)
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return ArrayVideo(path, _one_video(path, {name: arrays[name] for name in arrays.files}))
    except UsageError:
        raise
    except ARRAY_ERRORS as error:
        raise UsageError(
            f"{path} cannot be read as NumPy arrays of numbers; it is damaged, cut off, or holds other objects; save "
            "it again."
        ) from error


def _one_video(path: Path, arrays: dict[str, np.ndarray]) -> np.ndarray:
    videos = [name for name, array in arrays.items() if _is_video(array)]
    if len(videos) > 1:
        raise UsageError(
            f"{path} holds {len(videos)} arrays that can be videos ({', '.join(videos)}); expected one; save each in "
            "a file of its own."
        )
    chosen = videos or list(arrays)
    if not chosen:
        raise UsageError(f"{path} holds no arrays; expected one of frames; save it again.")
    return arrays[chosen[0]]


def _is_video(array: np.ndarray) -> bool:
    is_gray = array.ndim == 3 and array.shape[2] > 4  # else it is one picture in color
    is_color = array.ndim == 4 and array.shape[3] in (1, 3)
    return array.dtype.kind in "biuf" and (is_gray or is_color) and array.size > 0


def _checked(path: Path, array: np.ndarray) -> np.ndarray:
    if not _is_video(array):
        raise UsageError(
            f"{path} holds an array {array.shape} of type {array.dtype}; expected numbers (frames, rows, columns) or "
            "(frames, rows, columns, 3); bring the axes in this order."
        )
    return array
