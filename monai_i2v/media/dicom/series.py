# SPDX-License-Identifier: Apache-2.0
"""A folder of single-frame DICOM files as one recording."""

from __future__ import annotations

from pathlib import Path

from pydicom import Dataset
from pydicom.uid import SegmentationStorage

from monai_i2v.errors import UsageError
from monai_i2v.files.natural_order import natural_key
from monai_i2v.media.dicom.cine import DicomCine, open_dicom_file
from monai_i2v.media.dicom.frame_rate import frame_time_of
from monai_i2v.media.dicom.header import has_pictures, is_dicom, read_header
from monai_i2v.media.dicom.moment import moment_of
from monai_i2v.media.dicom.order import check_one_slice, find_order
from monai_i2v.media.dicom.pixel_data import find_pixel_data
from monai_i2v.media.video import Video

__all__ = ["find_dicom_files", "open_dicom_series"]

ADVICE = "put the files of one recording in a folder of their own, or open one file."


def find_dicom_files(folder: Path) -> list[Path]:
    """DICOM files in a folder (not below it), whatever their names, in natural order."""
    paths = sorted((path for path in folder.iterdir() if path.is_file()), key=natural_key)
    return [path for path in paths if is_dicom(path)]


def open_dicom_series(folder: Path, paths: list[Path]) -> Video:
    """Open the DICOM files of one series as one video, in the order that `find_order` finds.

    Args:
        folder: for messages and facts.
        paths: files in natural order, as `find_dicom_files` gives them.

    Raises:
        UsageError: When the files have no pictures or are not one recording.
    """
    headers = {path: header for path in paths if _is_recording(header := read_header(path))}
    multi_frame = [path for path, header in headers.items() if int(header.get("NumberOfFrames") or 1) > 1]
    if len(headers) == 1 and multi_frame:
        return open_dicom_file(multi_frame[0])
    _check_one_recording(folder, headers, len(multi_frame))
    moments = [moment_of(header) for header in headers.values()]
    check_one_slice(str(folder), moments, ADVICE)
    order = find_order(moments)
    data = [find_pixel_data(path, header) for path, header in headers.items()]
    frame_time = frame_time_of(data[order.ranks[0]].header)
    times = order.times if order.is_certain or not frame_time else ()
    return DicomCine(folder, [(data[rank], 0) for rank in order.ranks], frame_time=frame_time, frame_times=times)


def _is_recording(header: Dataset) -> bool:
    """Whether a file has pictures that are no masks of others."""
    return has_pictures(header) and header.get("SOPClassUID") != SegmentationStorage


def _check_one_recording(folder: Path, headers: dict[Path, Dataset], multi_frame: int) -> None:
    series = {header.get("SeriesInstanceUID") for header in headers.values()}
    sizes: dict[tuple[int, int], Path] = {}
    for path, header in headers.items():
        sizes.setdefault((header.Columns, header.Rows), path)
    if not headers:
        raise UsageError(f"{folder} has DICOM files, but none with pictures; expected one series; choose another.")
    if multi_frame:
        raise UsageError(f"{folder} holds {multi_frame} multi-frame DICOM files; each is a video by itself; {ADVICE}")
    if len(series) > 1:
        raise UsageError(f"{folder} holds {len(series)} DICOM series; expected one; {ADVICE}")
    if len(sizes) > 1:
        (size, path), (other_size, other_path) = list(sizes.items())[:2]
        raise UsageError(
            f"{folder} has frames of different sizes: {path.name} is {size[0]} x {size[1]} and "
            f"{other_path.name} is {other_size[0]} x {other_size[1]} (width x height); expected one size; " + ADVICE
        )
