# SPDX-License-Identifier: Apache-2.0
"""Masks that people drew, as label maps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.files.readable_file import check_readable
from monai_i2v.files.user_path import user_path
from monai_i2v.masks.dicom_seg import DicomSeg
from monai_i2v.masks.label_picture import read_label_picture
from monai_i2v.masks.label_series import LabelSeries
from monai_i2v.masks.mask_volume import read_mask_volume
from monai_i2v.masks.place_mask import place_mask
from monai_i2v.media.dicom.header import is_dicom
from monai_i2v.media.frame_folder import find_pictures
from monai_i2v.media.picture import LOSSLESS_SUFFIXES, Picture, find_pages
from monai_i2v.media.video import VideoInfo
from monai_i2v.media.volume_files import VOLUME_SUFFIXES, read_volume, suffix_of

__all__ = [
    "MASK_SUFFIXES",
    "is_dicom_mask",
    "read_label_pictures",
    "read_label_series",
    "read_mask",
    "read_series",
    "whole_numbers",
]

MASK_SUFFIXES = (*LOSSLESS_SUFFIXES, *VOLUME_SUFFIXES)
MAX_LABELS = 64  # a photo or a JPEG has more values; nobody draws so many objects
MAX_LABEL = np.iinfo(np.int32).max
MAX_OFF = 0.01  # of a whole number that is stored as a fraction


def read_mask(path: str | Path, info: VideoInfo, ref_frame: int = 0) -> np.ndarray:
    """Read the label map of one frame of a video.

    Args:
        path: an indexed or gray PNG, TIF or BMP, or a NIfTI, MHD, MHA or NRRD file, with one mask or one
            per frame of the video; or a folder with such a picture per frame; or a DICOM segmentation (SEG) of
            the video, whose masks are found by the frames that they refer to, see `DicomSeg`. A volume in the space of
            the video may keep its voxels in another order, see `place_mask`.
        info: facts about the video that the mask belongs to.
        ref_frame: the frame whose mask is taken, where the file has one per frame.

    Returns:
        (H, W) int32; 0 is background, other values are exactly those of the file.

    Raises:
        UsageError: When the file cannot be read, does not fit the video, or does not hold labels.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from PIL import Image
        >>> from monai_i2v.masks.mask_files import read_mask
        >>> from monai_i2v.media.video import VideoInfo
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.fromarray(np.array([[0, 2], [7, 0]], np.uint8)).save(Path(folder) / "mask.png")
        ...     read_mask(Path(folder) / "mask.png", VideoInfo("cine.mp4", "movie", 9, height=2, width=2))
        array([[0, 2],
               [7, 0]], dtype=int32)
    """
    path = user_path(path)
    if not 0 <= ref_frame < info.length:
        raise UsageError(
            f"ref_frame is {ref_frame}, but the video has {info.length} frames (0 to {info.length - 1}); "
            "choose one of these."
        )
    if is_dicom_mask(path):
        masks = DicomSeg(path, info)
        labels = masks[ref_frame]
        _check_size(path, labels.shape, info)
        _check_labels(path, labels, f" in frame {ref_frame} (the first that it draws is {masks.drawn[0]})")
        return labels
    series = read_series(path, info, ref_frame)
    _check_length(path, series, info)
    where = f" in frame {ref_frame}" if len(series) > 1 else ""
    labels = whole_numbers(path, series[ref_frame if len(series) > 1 else 0], where)
    _check_labels(path, labels, where)
    return labels.astype(np.int32)


def is_dicom_mask(path: Path) -> bool:
    """Whether a mask is to be read as `DicomSeg`."""
    return path.is_file() and is_dicom(path)


def read_series(path: Path, info: VideoInfo, ref_frame: int | None = None) -> LabelSeries:
    """Read stored numbers of a video's frames, from a folder of pictures or a file with one of the `MASK_SUFFIXES`.

    A volume in the space of the video is turned to its order of pixels, see `place_mask`.

    Args:
        path: file or folder.
        info: facts about the video.
        ref_frame: the frame that a single mask is used for; None when that is not known.

    Raises:
        UsageError: When they cannot be read, are colors, or lie elsewhere than the video.
    """
    if not os.path.isdir(path) and suffix_of(path) in VOLUME_SUFFIXES:
        check_readable(path)
        series = place_mask(path, read_mask_volume(path), info, ref_frame)
    else:
        series = LabelSeries.of_frames(read_label_series(path))
    _check_size(path, series.size, info)
    return series


def read_label_series(path: Path) -> np.ndarray:
    """Read stored numbers, (T, H, W), as they lie, as `read_series`.

    Raises:
        UsageError: When they cannot be read, or are colors.
    """
    if os.path.isdir(path):
        return read_label_pictures(path, find_pictures(path))
    check_readable(path)
    if suffix_of(path) in LOSSLESS_SUFFIXES:
        return read_label_pictures(path, find_pages(path))
    if suffix_of(path) not in MASK_SUFFIXES:
        raise UsageError(
            f"the mask {path} has the suffix {suffix_of(path)!r}; expected one of {', '.join(MASK_SUFFIXES)}, "
            "which keep labels unchanged, or a DICOM segmentation; save it as one of these."
        )
    frames = read_volume(path).frames
    if frames.shape[3] > 1:
        raise UsageError(f"the mask {path} stores colors; expected one label per voxel; save it in gray.")
    return frames[..., 0]


def read_label_pictures(path: str | Path, pictures: Sequence[Picture]) -> np.ndarray:
    """Read stored numbers, (T, H, W), from pictures of one size that were found at `path`.

    Raises:
        UsageError: When they cannot be read, are colors, or there are none.
    """
    if not pictures:
        raise UsageError(
            f"the mask folder {path} holds no pictures; expected one per frame ({', '.join(LOSSLESS_SUFFIXES)}); "
            "choose the folder that holds them, or one file."
        )
    masks = [read_label_picture(picture) for picture in pictures]
    sizes = {mask.shape for mask in masks}
    if len(sizes) > 1:
        raise UsageError(
            f"the masks in {path} have {len(sizes)} different sizes; expected pictures of one size; choose others."
        )
    return np.stack(masks)


def whole_numbers(path: Path, labels: np.ndarray, where: str = "") -> np.ndarray:
    """Labels (H, W) as whole numbers; what a scaled file stores for them may be off by a hundredth.

    Raises:
        UsageError: When there are others.
    """
    if labels.dtype.kind in "biu":
        return labels
    if labels.dtype.kind != "f":
        raise UsageError(
            f"the mask {path} holds {labels.dtype} values{where}, expected whole numbers; save it as labels."
        )
    whole = np.round(labels)
    with np.errstate(invalid="ignore"):
        is_odd = ~(np.abs(labels - whole) <= MAX_OFF)  # also where it is no finite number
    if is_odd.any():
        raise UsageError(
            f"the mask {path} has the value {labels[is_odd].min():g}{where}; expected whole numbers, 0 for background; "
            "save it without interpolation or scaling."
        )
    return whole


def _check_size(path: Path, size: tuple[int, ...], info: VideoInfo) -> None:
    height, width = size
    if (height, width) != (info.height, info.width):
        raise UsageError(
            f"the mask {path} is {width} x {height}, but the video {info.path} is "
            f"{info.width} x {info.height} (width x height); expected the same size; "
            "draw the mask on a frame of this video."
        )


def _check_length(path: Path, series: LabelSeries, info: VideoInfo) -> None:
    if len(series) not in (1, info.length):
        raise UsageError(
            f"the mask {path} has {len(series)} frames, but the video {info.path} has {info.length}; "
            f"expected 1 or {info.length}; cut out the frame that you want, or choose the mask of this video."
        )


def _check_labels(path: Path, labels: np.ndarray, where: str) -> None:
    values = np.unique(labels)
    if values[0] < 0 or values[-1] > MAX_LABEL:
        odd = values[0] if values[0] < 0 else values[-1]
        raise UsageError(
            f"the mask {path} has the value {odd:g}{where}; expected 0 to {MAX_LABEL}; renumber the labels."
        )
    if np.count_nonzero(values) > MAX_LABELS:
        raise UsageError(
            f"the mask {path} has {np.count_nonzero(values)} labels{where}; expected at most {MAX_LABELS}; "
            "it is probably a photo or was saved as JPEG: save it lossless, for example as indexed PNG."
        )
    if not values.any():
        raise UsageError(
            f"the mask {path} is empty (all 0){where}; expected at least one object; draw one, "
            "or set ref_frame to a frame that has one."
        )
