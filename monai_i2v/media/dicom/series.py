# SPDX-License-Identifier: Apache-2.0
"""A folder of single-frame DICOM files as one recording."""

from __future__ import annotations

from pathlib import Path

from pydicom import Dataset

from monai_i2v.errors import UsageError
from monai_i2v.files.natural_order import natural_key
from monai_i2v.media.dicom.cine import DicomCine, open_dicom_file
from monai_i2v.media.dicom.header import frame_time_of, has_pictures, is_dicom, read_header
from monai_i2v.media.video import Video

__all__ = ["find_dicom_files", "open_dicom_series"]

POSITION_DECIMALS = 2  # slice positions are told apart to 0.01 mm


def find_dicom_files(folder: Path) -> list[Path]:
    """DICOM files in a folder (not below it), whatever their names, in natural order."""
    paths = sorted((path for path in folder.iterdir() if path.is_file()), key=natural_key)
    return [path for path in paths if is_dicom(path)]


def open_dicom_series(folder: Path, paths: list[Path]) -> Video:
    """Open the DICOM files of one series as one video, in the order of their instance numbers, then of names.

    Args:
        folder: for messages and facts.
        paths: files in natural order, as `find_dicom_files` gives them.

    Raises:
        UsageError: When the files have no pictures or are not one recording.
    """
    headers = {path: header for path in paths if has_pictures(header := read_header(path))}
    multi_frame = [path for path, header in headers.items() if int(header.get("NumberOfFrames") or 1) > 1]
    if len(headers) == 1 and multi_frame:
        return open_dicom_file(multi_frame[0])
    _check_one_recording(folder, headers, len(multi_frame))
    order = sorted(headers, key=lambda path: int(headers[path].get("InstanceNumber") or 0))
    frame_time = frame_time_of(headers[order[0]]) or _trigger_step([headers[path] for path in order])
    return DicomCine(folder, [(path, 0) for path in order], headers=headers, frame_time=frame_time)


def _check_one_recording(folder: Path, headers: dict[Path, Dataset], multi_frame: int) -> None:
    series = {header.get("SeriesInstanceUID") for header in headers.values()}
    sizes: dict[tuple[int, int], Path] = {}
    for path, header in headers.items():
        sizes.setdefault((header.Columns, header.Rows), path)
    positions = {_position(header) for header in headers.values()}
    advice = "put the files of one recording in a folder of their own, or open one file."
    if not headers:
        raise UsageError(f"{folder} has DICOM files, but none with pictures; expected one series; choose another.")
    if multi_frame:
        raise UsageError(f"{folder} holds {multi_frame} multi-frame DICOM files; each is a video by itself; {advice}")
    if len(series) > 1:
        raise UsageError(f"{folder} holds {len(series)} DICOM series; expected one; {advice}")
    if len(sizes) > 1:
        (size, path), (other_size, other_path) = list(sizes.items())[:2]
        raise UsageError(
            f"{folder} has frames of different sizes: {path.name} is {size[0]} x {size[1]} and "
            f"{other_path.name} is {other_size[0]} x {other_size[1]} (width x height); expected one size; " + advice
        )
    if 1 < len(positions) < len(headers):
        raise UsageError(f"{folder} holds {len(positions)} slices over time; expected one slice; {advice}")


def _position(header: Dataset) -> tuple[float, ...]:
    position = header.get("ImagePositionPatient") or ()
    return tuple(round(float(number), POSITION_DECIMALS) for number in position)


def _trigger_step(headers: list[Dataset]) -> float | None:
    """Mean time between frames of a gated series (cine MRI), s."""
    times = [header.get("TriggerTime") for header in headers]
    if None in times or len(times) < 2 or float(times[-1]) <= float(times[0]):
        return None
    return (float(times[-1]) - float(times[0])) / (len(times) - 1) / 1000
