# SPDX-License-Identifier: Apache-2.0
"""Every recording as a MONAI image."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import ImageReader
from monai.utils import MetaKeys, SpaceKeys, ensure_tuple

from monai_i2v.errors import UsageError
from monai_i2v.masks.mask_files import read_label_pictures
from monai_i2v.media.frame_folder import FrameFolder
from monai_i2v.media.open_video import VIDEO_SUFFIXES, open_video
from monai_i2v.media.video import Video
from monai_i2v.media.volume import VolumeVideo
from monai_i2v.media.volume_files import suffix_of

__all__ = ["VideoReader"]


class VideoReader(ImageReader):
    """Reader for MONAI's ``LoadImage`` that takes whatever `open_video` takes.

    The result is (X, Y, T), or (X, Y, T, 3) for colors, in the source's own intensities; with
    ``ensure_channel_first=True`` it becomes (C, X, Y, T). Scalar 3-D NIfTI files come as from MONAI's
    ``NibabelReader``; of those with (x, y, 1, t) or (x, y, t, 1) the single axis is dropped. Volumes keep
    their affine (RAS); that of others holds mm per pixel and seconds per frame, 1 where unknown. The meta
    data has ``spacing`` (mm; row, column) and ``frame_time`` (s), NaN where unknown, and nothing about a
    patient.

    Args:
        labels: read what pictures store, not what they show: indices of an indexed PNG, not its colors.

    Example::

        >>> from monai.transforms import LoadImage
        >>> from pydicom.examples import get_path
        >>> from monai_i2v.data.video_reader import VideoReader
        >>> cine = LoadImage(reader=VideoReader(), ensure_channel_first=True)(get_path("ybr_color"))
        >>> cine.shape, round(float(cine.pixdim[2]), 6)
        (torch.Size([3, 320, 240, 30]), 0.033333)
    """

    def __init__(self, labels: bool = False) -> None:
        super().__init__()
        self.labels = labels

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        paths = [Path(name) for name in ensure_tuple(filename)]
        return all(path.is_dir() or suffix_of(path) in VIDEO_SUFFIXES for path in paths)

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> Path:
        """Take one path; nothing is opened yet.

        ``LoadImage`` tries other readers when this method fails, and its error is lost; one of `get_data` is
        seen.
        """
        paths = ensure_tuple(data)
        if len(paths) != 1:
            raise UsageError(f"one video has {len(paths)} paths; expected 1; load one after the other.")
        return Path(paths[0])

    def get_data(self, img: Path) -> tuple[np.ndarray, dict]:
        """Read all frames and their meta data.

        Raises:
            UsageError: When the recording cannot be read.
            FrameError: When one frame of it cannot be decoded.
        """
        with open_video(img) as video:
            frames = self._read_frames(video)  # (T, H, W, C)
            meta = _meta(video)
        pixels = frames.transpose(2, 1, 0, 3)  # (X, Y, T, C)
        if pixels.shape[3] == 1:
            return pixels[..., 0], {**meta, MetaKeys.ORIGINAL_CHANNEL_DIM: float("nan")}
        return pixels, {**meta, MetaKeys.ORIGINAL_CHANNEL_DIM: -1}

    def _read_frames(self, video: Video) -> np.ndarray:
        if isinstance(video, VolumeVideo):
            return video.volume.frames
        if self.labels and isinstance(video, FrameFolder):
            return read_label_pictures(video.info.path, video.pictures)[..., None]
        return np.stack([video.read(index) for index in range(len(video))])


def _meta(video: Video) -> dict[str, Any]:
    info = video.info
    nan = float("nan")
    if isinstance(video, VolumeVideo):
        affine = video.volume.affine
    else:
        row, column = info.spacing or (1.0, 1.0)
        affine = np.diag([column, row, info.frame_time or 1.0, 1.0])
    return {
        MetaKeys.AFFINE: affine.copy(),
        MetaKeys.ORIGINAL_AFFINE: affine.copy(),
        MetaKeys.SPACE: SpaceKeys.RAS,
        MetaKeys.SPATIAL_SHAPE: np.array([info.width, info.height, info.length]),
        "frame_time": info.frame_time or nan,
        "spacing": np.array(info.spacing or (nan, nan)),
    }
