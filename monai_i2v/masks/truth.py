# SPDX-License-Identifier: Apache-2.0
"""True masks of a video's frames, for scoring; not every frame needs one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.files.user_path import user_path
from monai_i2v.masks.dicom_seg import DicomSeg
from monai_i2v.masks.label_series import LabelSeries
from monai_i2v.masks.mask_files import is_dicom_mask, read_label_pictures, read_series, whole_numbers
from monai_i2v.media.frame_folder import FrameFolder, find_pictures
from monai_i2v.media.picture import Picture
from monai_i2v.media.video import Video

__all__ = ["Truth"]


class Truth:
    """Label maps by frame, read when asked for.

    Args:
        path: a file or folder with one mask per frame (see `read_mask`), a DICOM segmentation of the video, or, for a
            video that is a folder of pictures, a folder with masks of some of these pictures, of the same names.
        video: the video.

    Raises:
        UsageError: When it cannot be read, is of another size, or the masks cannot be told apart by frame.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.media import open_video
        >>> from monai_i2v.phantoms import Phantom, save_phantom
        >>> from monai_i2v.masks.truth import Truth
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_phantom(Phantom(length=2, size=(32, 32)), folder)
        ...     with open_video(Path(folder) / "video.mp4") as video:
        ...         Truth(Path(folder) / "masks", video)[1].shape
        (32, 32)
    """

    def __init__(self, path: str | Path, video: Video) -> None:
        self.path, self.info = user_path(path), video.info
        self.pictures: Mapping[int, Picture] = {}
        self.series: LabelSeries | DicomSeg | None = None
        if os.path.isdir(self.path):
            self.pictures = self._by_frame(find_pictures(self.path), video)
        elif is_dicom_mask(self.path):
            self.series = DicomSeg(self.path, self.info)
            self._check(self.series.shape)
        else:
            self.series = read_series(self.path, self.info)
            if len(self.series) != self.info.length:
                self._refuse(f"{len(self.series)} masks")

    def __getitem__(self, index: int) -> np.ndarray | None:
        """Label map (H, W) int32 of a frame, None when nobody drew it."""
        if self.series is not None:
            return whole_numbers(self.path, self.series[index]).astype(np.int32)
        if index not in self.pictures:
            return None
        labels = read_label_pictures(self.path, [self.pictures[index]])[0]
        self._check(labels.shape)
        return whole_numbers(self.path, labels).astype(np.int32)

    def _by_frame(self, pictures: list[Picture], video: Video) -> dict[int, Picture]:
        if isinstance(video, FrameFolder):
            named = {picture.path.stem: picture for picture in pictures}
            found = {
                index: named[frame.path.stem] for index, frame in enumerate(video.pictures) if frame.path.stem in named
            }
            if found:
                return found
        if len(pictures) != self.info.length:
            self._refuse(f"{len(pictures)} masks")
        return dict(enumerate(pictures))

    def _check(self, size: tuple[int, ...]) -> None:
        if size != (self.info.height, self.info.width):
            self._refuse(f"masks of {size[1]} x {size[0]} px")

    def _refuse(self, what: str) -> None:
        raise UsageError(
            f"the truth {self.path} has {what}, but the video {self.info.path} has {self.info.length} frames of "
            f"{self.info.width} x {self.info.height} px; expected one mask per frame, or masks with the names of its "
            "frames; choose the masks of this video."
        )
