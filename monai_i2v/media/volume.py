# SPDX-License-Identifier: Apache-2.0
"""NIfTI, MHD, MHA and NRRD recordings, held in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.media.intensity_window import find_window, sample_frames
from monai_i2v.media.video import Video, VideoInfo

__all__ = ["LabelFrames", "Volume", "VolumeVideo", "affine_with_time", "arrange_frames", "find_time_axis"]

SHOWN_PERCENTILES = (0.5, 99.5)  # a few bright voxels must not darken the rest


@dataclass(frozen=True)
class Volume:
    """Pixels and geometry of a file with one slice over time.

    Args:
        frames: (T, H, W, C), C = 1 or 3, in the file's own intensities.
        affine: (4, 4), from indices (x, y, time) to RAS, as MONAI's readers give it.
        spacing: mm per pixel, (row, column).
        frame_time: seconds from one frame to the next, None when the file does not tell.
    """

    frames: np.ndarray
    affine: np.ndarray
    spacing: tuple[float, float]
    frame_time: float | None


class LabelFrames(Protocol):
    """Label maps (H, W) of all frames, one at a time; an array (T, H, W) is one too."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype: ...
    def __iter__(self) -> Iterator[Any]: ...


class VolumeVideo(Video):
    """Frames of a volume; [0, 255] is shown for 8 bit, else the 0.5 to 99.5 percentiles of some frames.

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
        super().__init__(VideoInfo(str(path), "volume", length, height, width, volume.frame_time, volume.spacing))
        self.volume = volume
        self.window = find_window(sample_frames(self), SHOWN_PERCENTILES)

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
