# SPDX-License-Identifier: Apache-2.0
"""What a DICOM header says about time, size and intensities; nothing about the patient is read."""

from __future__ import annotations

import logging
import math
import struct
import zlib
from pathlib import Path
from typing import Any

from pydicom import DataElement, Dataset, dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.tag import Tag

from monai_i2v.errors import UsageError
from monai_i2v.media.quiet import quiet

__all__ = [
    "DICOM_ERRORS",
    "frame_time_of",
    "has_pictures",
    "is_dicom",
    "read_header",
    "region_of",
    "spacing_of",
    "window_of",
]

logger = logging.getLogger(__name__)

TAGS = (
    *(
        "Rows",
        "Columns",
        "NumberOfFrames",
        "PhotometricInterpretation",
        "InstanceNumber",
    ),
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"),
    *("FrameTime", "FrameTimeVector", "FrameIncrementPointer"),
    *("CineRate", "RecommendedDisplayFrameRate", "TriggerTime"),
    *("PixelSpacing", "ImagerPixelSpacing", "SequenceOfUltrasoundRegions", "ImagePositionPatient"),
    *("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("RedPaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData"),
    *("GreenPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableData"),
    *("BluePaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableData"),
    *("SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData"),
    *("SegmentedBluePaletteColorLookupTableData", "PixelRepresentation", "BitsAllocated", "BitsStored"),
)
DICOM_ERRORS = (  # what pydicom raises for damaged files
    *(RuntimeError, ValueError, AttributeError, LookupError, TypeError, OSError, EOFError, struct.error),
    *(InvalidDicomError, BytesLengthException, ArithmeticError, MemoryError, zlib.error),
)
NUMBERS = ("DS", "IS", "US", "SS", "FD", "FL")  # value representations; pydicom gives text where it finds no number
MAGIC = slice(128, 132)  # where a DICOM file says "DICM"
CENTIMETERS = 3  # code of Physical Units X/Y Direction
PICTURE_2D = 1  # code of Region Spatial Format
FRAME_TIMES = (1e-5, 3600.0)  # s; from ultrafast ultrasound to a picture per hour, all else is a slip
RATE_ROUNDING = 1.0  # per s; CineRate is a whole number


def is_dicom(path: Path) -> bool:
    """Whether a file starts as a DICOM file does, whatever its name."""
    with path.open("rb") as file:
        return file.read(MAGIC.stop)[MAGIC] == b"DICM"


def read_header(path: Path) -> Dataset:
    """Read the facts of `TAGS`; values of the modality LUT are moved from functional groups to the top.

    What is not of the kind that the standard says is left out.

    Raises:
        UsageError: When the file is not DICOM.
    """
    try:
        with quiet("pydicom"):
            header = dcmread(path, stop_before_pixels=True, specific_tags=list(TAGS))
            _leave_out_damage(header)
            _leave_out_damage(header.file_meta)
    except DICOM_ERRORS as error:
        raise UsageError(
            f"{path} cannot be read as DICOM; it is damaged, cut off, or not what its name says; export it again."
        ) from error
    for keyword in ("RescaleSlope", "RescaleIntercept"):
        if keyword not in header and (value := _find(header, keyword)) is not None:
            setattr(header, keyword, value)
    return header


def has_pictures(header: Dataset) -> bool:
    """Whether a header says all that is needed to decode pictures; reports and DICOMDIR have none."""
    sides = (header.get("Rows") or 0, header.get("Columns") or 0)
    said = (header.get("PhotometricInterpretation"), header.file_meta.get("TransferSyntaxUID"))
    return min(sides) > 0 and all(said)


def _leave_out_damage(header: Dataset) -> None:
    for tag in list(header.keys()):
        try:
            element = header[tag]
            is_sound = all(map(_is_sound, (element, *(part for item in _items(element) for part in item.iterall()))))
        except DICOM_ERRORS:
            is_sound = False
        if not is_sound:
            del header[tag]


def _items(element: DataElement) -> list[Dataset]:
    return list(element.value or ()) if element.VR == "SQ" else []


def _is_sound(element: DataElement) -> bool:
    """Whether type and number of values are those of the standard."""
    if not dictionary_has_tag(element.tag):
        return True
    may_be_many = dictionary_VM(element.tag) != "1" or element.VR == "SQ"
    is_expected = element.VR in dictionary_VR(element.tag).split(" or ") and (may_be_many or element.VM <= 1)
    values = element.value if element.VM > 1 else [element.value]
    return is_expected and (element.VR not in NUMBERS or all(isinstance(value, int | float) for value in values))


def frame_time_of(header: Dataset) -> float | None:
    """Seconds from one frame to the next: frame time, mean of the frame times, or one of the two rates.

    The first that can be true counts; of frame time and frame times first the one that the file names as its
    increment. A cine rate that says something else is logged; how fast to show frames does not say how they were taken.
    """
    vector = _numbers(header, "FrameTimeVector")[1:]  # the first entry is 0
    milliseconds = [*_numbers(header, "FrameTime")[:1], *([sum(vector) / len(vector)] if vector else [])]
    if header.get("FrameIncrementPointer") == Tag("FrameTimeVector"):
        milliseconds.reverse()
    cine, shown = (
        [1 / rate for rate in _numbers(header, keyword)[:1] if rate]
        for keyword in ("CineRate", "RecommendedDisplayFrameRate")
    )
    told = [*(number / 1000 for number in milliseconds if number), *cine, *shown]  # many files say 0 for unknown
    times = [time for time in told if FRAME_TIMES[0] <= time <= FRAME_TIMES[1]]
    if len(times) < len(told):
        logger.warning("A frame time or rate of the DICOM header cannot be true and is left out.")
    if any(abs(1 / times[0] - 1 / time) > RATE_ROUNDING for time in times[1:] if time in cine):
        logger.warning(
            "The DICOM header says %.3g and %.3g frames per s; the first is taken.", 1 / times[0], 1 / cine[0]
        )
    return times[0] if times else None


def spacing_of(header: Dataset) -> tuple[float, float] | None:
    """Millimeters per pixel, (row, column): of the largest 2D ultrasound region, or the pixel spacing."""
    region = _find_region(header)
    if region is not None and not _fits(region, header):
        # Seen in pydicom's own example: the picture was shrunk later, and the calibration was not.
        logger.warning("The ultrasound calibration does not fit the size of the picture and is left out.")
    elif region is not None:
        return abs(float(region.PhysicalDeltaY)) * 10, abs(float(region.PhysicalDeltaX)) * 10
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        numbers = _numbers(header, keyword)
        if len(numbers) == 2 and min(numbers) > 0:
            return numbers[0], numbers[1]
    return None


def region_of(header: Dataset) -> tuple[int, int, int, int] | None:
    """The largest calibrated 2D ultrasound region: top, left, bottom, right, of which the last two are outside."""
    region = _find_region(header)
    return None if region is None or not _fits(region, header) else _box(region)


def window_of(header: Dataset) -> tuple[float, float] | None:
    """Lowest and highest intensity of the first linear window (DICOM PS3.3 C.11.2.1.2), None without one."""
    center, width = _numbers(header, "WindowCenter"), _numbers(header, "WindowWidth")
    if not center or not width or width[0] <= 1:
        return None
    low = center[0] - 0.5 - (width[0] - 1) / 2
    return low, low + width[0] - 1


def _find_region(header: Dataset) -> Dataset | None:
    regions = [region for region in header.get("SequenceOfUltrasoundRegions") or [] if _is_calibrated(region)]
    return max(regions, key=_area, default=None)


def _is_calibrated(region: Dataset) -> bool:
    """Whether it is a picture in cm; the axes of M-mode and Doppler are time and speed."""
    units = (region.get("PhysicalUnitsXDirection"), region.get("PhysicalUnitsYDirection"))
    deltas = (region.get("PhysicalDeltaX"), region.get("PhysicalDeltaY"))
    is_picture = region.get("RegionSpatialFormat") == PICTURE_2D and units == (CENTIMETERS, CENTIMETERS)
    return is_picture and all(deltas) and _area(region) > 0


def _fits(region: Dataset, header: Dataset) -> bool:
    _, _, bottom, right = _box(region)
    return bool(bottom <= header.Rows and right <= header.Columns)


def _area(region: Dataset) -> int:
    top, left, bottom, right = _box(region)
    return max(bottom - top, 0) * max(right - left, 0)


def _box(region: Dataset) -> tuple[int, int, int, int]:
    """Top, left, bottom, right; the file names the last pixels inside."""
    first = (region.get("RegionLocationMinY0") or 0, region.get("RegionLocationMinX0") or 0)
    last = (region.get("RegionLocationMaxY1") or 0, region.get("RegionLocationMaxX1") or 0)
    return int(first[0]), int(first[1]), int(last[0]) + 1, int(last[1]) + 1


def _numbers(header: Dataset, keyword: str) -> list[float]:
    value = _find(header, keyword)
    if value is None or value == "":
        return []
    numbers = [float(number) for number in value] if hasattr(value, "__iter__") else [float(value)]
    return numbers if all(map(math.isfinite, numbers)) else []


def _find(header: Dataset, keyword: str) -> Any:
    """Value of an attribute, also in the functional groups of enhanced images (shared, then first frame)."""
    if header.get(keyword) is not None:
        return header.get(keyword)
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in (header.get(groups) or [])[:1]:
            for macro in group:
                if macro.VR == "SQ" and macro.value and macro.value[0].get(keyword) is not None:
                    return macro.value[0].get(keyword)
    return None
