# SPDX-License-Identifier: Apache-2.0
"""NIfTI, MHD, MHA and NRRD recordings, held in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.media.intensity_window import find_window, sample_frames
from monai_i2v.media.video import FRAME_TIMES, Video, VideoInfo

__all__ = [
    "LabelFrames",
    "Volume",
    "VolumeVideo",
    "affine_with_time",
    "arrange_frames",
    "find_time_axis",
    "possible_time",
]


@dataclass(frozen=True)
class Volume:
    """Pixels and geometry of a file with one slice over time.

    Args:
        frames: (T, H, W, C), C = 1 or 3, in the file's own intensities.
        affine: (4, 4), from indices (x, y, time) to RAS, as MONAI's readers give it.
        spacing: mm per pixel, (row, column).
        frame_time: seconds from one frame to the next, None when the file does not tell.
        frame_times: seconds of each frame where the file tells them one by one, see `VideoInfo`.
    """

    frames: np.ndarray
    affine: np.ndarray
    spacing: tuple[float, float]
    frame_time: float | None
    frame_times: tuple[float, ...] = ()


class LabelFrames(Protocol):
    """Label maps (H, W) of all frames, one at a time; an array (T, H, W) is one too."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype: ...
    def __iter__(self) -> Iterator[Any]: ...


class VolumeVideo(Video):
    """Frames of a volume; the window is that of `find_window`.

    Args:
        path: file that the volume was read from.
        volume: what was read.

    Example::

        >>> import numpy as np
        >>> from pathlib import Path
        >>> from monai_i2v.media.volume import Volume, VolumeVideo
        >>> frames = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 4, 1), np.uint8)
        >>> video = VolumeVideo(Path("cine.nii.gz"), Volume(frames, np.eye(4), (0.5, 0.5), 0.04))
        >>> len(video), int(video.read(3)[0, 0, 0]), video.window
        (5, 3, (0.0, 255.0))
    """

    def __init__(self, path: Path, volume: Volume) -> None:
        length, height, width = volume.frames.shape[:3]
        info = VideoInfo(str(path), "volume", length, height, width, volume.frame_time, volume.spacing)
        super().__init__(replace(info, frame_times=volume.frame_times))
        self.volume = volume
        self.window = find_window(sample_frames(self))

    def read(self, index: int) -> np.ndarray:
        return self.volume.frames[index]


def find_time_axis(path: Path, size: Sequence[int]) -> int:
    """Which axis of a size (x, y), (x, y, t), (x, y, 1, t) or (x, y, t, 1) is time; 2 for a single frame.

    Raises:
        UsageError: When the file has several slices over time, or no pixels.
    """
    long_axes = [axis for axis, length in enumerate(size) if axis >= 2 and length > 1]
    if len(size) < 2 or len(long_axes) > 1 or min(size) < 1:
        raise UsageError(
            f"{path} has {' x '.join(map(str, size))} voxels; expected one slice over time, (x, y, time) or "
            "(x, y, 1, time); cut out one slice and open that."
        )
    return long_axes[0] if long_axes else 2


def possible_time(seconds: float) -> float | None:
    """A frame time that can be true, None for others; 0 is a common word for unknown."""
    return seconds if FRAME_TIMES[0] <= seconds <= FRAME_TIMES[1] else None


def arrange_frames(path: Path, pixels: np.ndarray) -> np.ndarray:
    """Bring (X, Y[, ...], C) to (T, H, W, C); a fourth channel (opacity) is dropped.

    Raises:
        UsageError: When the pixels are neither gray nor RGB.
    """
    width, height = pixels.shape[:2]
    channels = pixels.shape[-1]
    if channels not in (1, 3, 4) or pixels.dtype.kind not in "biuf":
        raise UsageError(
            f"{path} has {channels} values of type {pixels.dtype} per voxel; expected 1 (gray) or 3 (RGB); "
            "save one frame after the other along the last axis."
        )
    frames = pixels.reshape(width, height, -1, channels)
    return frames.transpose(2, 1, 0, 3)[..., : 1 if channels == 1 else 3]  # (T, H, W, C)


def affine_with_time(affine: np.ndarray, time_axis: int, frame_time: float | None) -> np.ndarray:
    """Affine of (x, y, time) from that of (x, y, z): the third column points along z, a frame time long."""
    if time_axis == 2:
        return affine
    columns = affine.copy()
    columns[:3, 2] *= (frame_time or 1.0) / (np.linalg.norm(columns[:3, 2]) or 1.0)
    return columns
