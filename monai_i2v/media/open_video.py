# SPDX-License-Identifier: Apache-2.0
"""One way in for every kind of recording."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection
from glob import glob, has_magic
from pathlib import Path

from monai_i2v.errors import UsageError
from monai_i2v.files.natural_order import natural_order
from monai_i2v.files.readable_file import check_readable
from monai_i2v.files.user_path import user_path
from monai_i2v.media.array_file import ARRAY_SUFFIXES, open_array
from monai_i2v.media.dicom.cine import open_dicom_file
from monai_i2v.media.dicom.header import has_pictures, is_dicom, read_header
from monai_i2v.media.dicom.series import find_dicom_files, open_dicom_series
from monai_i2v.media.file_kind import suffix_of_content
from monai_i2v.media.frame_folder import FrameFolder, find_pictures
from monai_i2v.media.movie import MOVIE_SUFFIXES, Movie
from monai_i2v.media.picture import PICTURE_SUFFIXES, find_pages, is_animated
from monai_i2v.media.video import Video
from monai_i2v.media.volume import VolumeVideo
from monai_i2v.media.volume_files import VOLUME_SUFFIXES, read_volume, suffix_of

__all__ = ["VIDEO_SUFFIXES", "open_video"]

logger = logging.getLogger(__name__)

DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")  # DICOM files with other names or none are known by their content
OPENERS: dict[tuple[str, ...], Callable[[Path], Video]] = {
    MOVIE_SUFFIXES: Movie,
    DICOM_SUFFIXES: open_dicom_file,
    VOLUME_SUFFIXES: lambda path: VolumeVideo(path, read_volume(path)),
    PICTURE_SUFFIXES: lambda path: Movie(path) if is_animated(path) else FrameFolder(path, find_pages(path)),
    ARRAY_SUFFIXES: open_array,
}
VIDEO_SUFFIXES = tuple(suffix for suffixes in OPENERS for suffix in suffixes)


def open_video(path: str | Path, *, leave_out: Collection[str | Path] = ()) -> Video:
    """Open a recording of any kind.

    Args:
        path: a movie (MP4, AVI, MOV, MKV, WMV, WEBM, MPG, VOB, TS, M2TS), or an animated GIF or PNG; a DICOM file, or
            a folder with one DICOM series, in which pictures are ignored; a NIfTI, MHD, MHA or NRRD file with one
            slice over time; a folder of PNG, JPG, TIF, BMP or GIF frames, or a glob such as ``"recording/*.png"``
            (see `natural_order`); a multi-page TIFF; a single picture; an NPY or NPZ array (T, H, W) or (T, H, W, 3).
            A file with an unknown suffix is opened by its content.
        leave_out: files that are no frames, though they may lie in the folder: masks.

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
    others = {os.path.realpath(user_path(other)) for other in leave_out}

    def is_wanted(file: Path) -> bool:
        return not others or os.path.realpath(file) not in others

    if has_magic(str(path)) and not os.path.lexists(path):
        return _open_glob(path, is_wanted)
    if os.path.isdir(path):
        return _open_folder(path, is_wanted)
    check_readable(path)
    return _open_file(path)


def _open_file(path: Path) -> Video:
    if is_dicom(path):
        return open_dicom_file(path)
    suffix = suffix_of(path) if suffix_of(path) in VIDEO_SUFFIXES else suffix_of_content(path)
    for suffixes, opener in OPENERS.items():
        if suffix in suffixes:
            return opener(path)
    raise UsageError(
        f"{path} has the suffix {suffix!r}; expected one of {', '.join(VIDEO_SUFFIXES)}, "
        "or a DICOM file of any name; convert it to one of these."
    )


def _open_glob(pattern: Path, is_wanted: Callable[[Path], bool]) -> FrameFolder:
    paths = [path for path in map(Path, glob(str(pattern))) if suffix_of(path) in PICTURE_SUFFIXES and path.is_file()]
    pictures = [page for path in natural_order(paths) if is_wanted(path) for page in find_pages(path)]
    if not pictures:
        raise UsageError(
            f"{pattern} fits no picture; expected some of {', '.join(PICTURE_SUFFIXES)}; check the pattern."
        )
    return FrameFolder(pattern, pictures)


def _open_folder(folder: Path, is_wanted: Callable[[Path], bool]) -> Video:
    try:
        pictures = find_pictures(folder, is_wanted)
        dicom_files = [path for path in find_dicom_files(folder) if is_wanted(path)]
    except PermissionError as error:
        raise UsageError(f"{folder} cannot be read ({error.strerror}); check its permissions.") from error
    if pictures and any(has_pictures(read_header(path)) for path in dicom_files):
        logger.warning("%s holds DICOM files; its %d pictures (PNG, JPG ...) are ignored.", folder, len(pictures))
        return open_dicom_series(folder, dicom_files)
    if pictures:
        return FrameFolder(folder, pictures)
    if dicom_files:
        return open_dicom_series(folder, dicom_files)
    raise UsageError(
        f"{folder} is a folder without frames; expected pictures ({', '.join(PICTURE_SUFFIXES)}) or DICOM "
        "files directly in it; choose the folder that holds them, or one file."
    )
