# SPDX-License-Identifier: Apache-2.0
"""One way in for every kind of recording."""

from __future__ import annotations

import os
from glob import glob, has_magic
from pathlib import Path

from monai_i2v.errors import UsageError
from monai_i2v.files.natural_order import natural_key
from monai_i2v.files.readable_file import check_readable
from monai_i2v.files.user_path import user_path
from monai_i2v.media.dicom.cine import open_dicom_file
from monai_i2v.media.dicom.header import is_dicom
from monai_i2v.media.dicom.series import find_dicom_files, open_dicom_series
from monai_i2v.media.frame_folder import FrameFolder, find_pictures
from monai_i2v.media.movie import MOVIE_SUFFIXES, Movie
from monai_i2v.media.picture import PICTURE_SUFFIXES, find_pages
from monai_i2v.media.video import Video
from monai_i2v.media.volume import VolumeVideo
from monai_i2v.media.volume_files import VOLUME_SUFFIXES, read_volume, suffix_of

__all__ = ["VIDEO_SUFFIXES", "open_video"]

DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")  # DICOM files with other names or none are known by their content
VIDEO_SUFFIXES = (*MOVIE_SUFFIXES, *DICOM_SUFFIXES, *VOLUME_SUFFIXES, *PICTURE_SUFFIXES)


def open_video(path: str | Path) -> Video:
    """Open a recording of any kind.

    Args:
        path: a movie (MP4, AVI, MOV, MKV, WMV, WEBM, MPG); a DICOM file, or a folder with one DICOM series; a
            NIfTI, MHD, MHA or NRRD file with one slice over time; a folder of PNG, JPG, TIF or BMP frames,
            or a glob such as ``"recording/*.png"`` (in natural order: 2 before 10); a multi-page TIFF; or a
            single picture.

    Raises:
        UsageError: When nothing is there, the format is unknown, or the recording cannot be read.

    Example::

        >>> from pydicom.examples import get_path
        >>> from monai_i2v.media.open_video import open_video
        >>> with open_video(get_path("ybr_color")) as video:
        ...     video.info.kind, len(video), video[0].shape
        ('dicom', 30, torch.Size([3, 240, 320]))
    """
    path = user_path(path)
    if has_magic(str(path)) and not os.path.lexists(path):
        return _open_glob(path)
    if os.path.isdir(path):
        return _open_folder(path)
    check_readable(path)
    suffix = suffix_of(path)
    if suffix in DICOM_SUFFIXES or is_dicom(path):
        return open_dicom_file(path)
    if suffix in MOVIE_SUFFIXES:
        return Movie(path)
    if suffix in VOLUME_SUFFIXES:
        return VolumeVideo(path, read_volume(path))
    if suffix in PICTURE_SUFFIXES:
        return FrameFolder(path, find_pages(path))
    raise UsageError(
        f"{path} has the suffix {suffix!r}; expected one of {', '.join(VIDEO_SUFFIXES)}, "
        "or a DICOM file of any name; convert it to one of these."
    )


def _open_glob(pattern: Path) -> FrameFolder:
    paths = sorted(map(Path, glob(str(pattern))), key=natural_key)
    pictures = [
        page for path in paths if suffix_of(path) in PICTURE_SUFFIXES and path.is_file() for page in find_pages(path)
    ]
    if not pictures:
        raise UsageError(
            f"{pattern} fits no picture; expected some of {', '.join(PICTURE_SUFFIXES)}; check the pattern."
        )
    return FrameFolder(pattern, pictures)


def _open_folder(folder: Path) -> Video:
    try:
        pictures = find_pictures(folder)
        dicom_files = [] if pictures else find_dicom_files(folder)
    except PermissionError as error:
        raise UsageError(f"{folder} cannot be read ({error.strerror}); check its permissions.") from error
    if pictures:
        return FrameFolder(folder, pictures)
    if dicom_files:
        return open_dicom_series(folder, dicom_files)
    raise UsageError(
        f"{folder} is a folder without frames; expected pictures ({', '.join(PICTURE_SUFFIXES)}) or DICOM "
        "files directly in it; choose the folder that holds them, or one file."
    )
