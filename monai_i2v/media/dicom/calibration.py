# SPDX-License-Identifier: Apache-2.0
"""The size of pixels in DICOM recordings, and where the calibrated picture lies."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydicom import Dataset

from monai_i2v.media.dicom.frame_groups import numbers_of, one_per_description

__all__ = ["Calibration", "calibrate", "region_of", "spacing_of"]

T = TypeVar("T")
logger = logging.getLogger(__name__)

CENTIMETERS = 3  # code of Physical Units X/Y Direction
PICTURE_2D = 1  # code of Region Spatial Format
DECIMALS = 6  # of mm; what programs round differently is no difference


class Calibration(NamedTuple):
    """Size of a pixel in mm, (row, column), and the region that it holds for; see `VideoInfo`."""

    spacing: tuple[float, float] | None
    region: tuple[int, int, int, int] | None


def calibrate(frames: Sequence[tuple[Path, int]], headers: Mapping[Path, Dataset]) -> Calibration:
    """Calibration of all frames; none where they differ, which is logged.

    Args:
        frames: file and number in the file, from 0, of each frame.
        headers: what `read_header` gives, by file.

    Example::

        >>> from pathlib import Path
        >>> from pydicom import Dataset
        >>> from monai_i2v.media.dicom.calibration import calibrate
        >>> header = Dataset()
        >>> header.PixelSpacing = [0.5, 0.4]
        >>> calibrate([(Path("a.dcm"), 0)], {Path("a.dcm"): header}).spacing
        (0.5, 0.4)
    """
    told = list(one_per_description(frames, headers))
    spacings = {_rounded(spacing): spacing for spacing in (spacing_of(header, number) for header, number in told)}
    regions = {region_of(header) for header, _ in told}
    if any(_find_region(header) and region_of(header) is None for header, _ in told):
        # Seen in pydicom's own example: the picture was shrunk later, and the calibration was not.
        logger.warning("The ultrasound calibration does not fit the size of the picture and is left out.")
    if len(spacings) > 1:
        logger.warning("The frames differ in the size of their pixels, which is left out; areas are in px.")
    return Calibration(_only(spacings.values()), _only(regions))


def spacing_of(header: Dataset, number: int = 0) -> tuple[float, float] | None:
    """Millimeters per pixel of a frame, (row, column): of the largest 2D ultrasound region, or the pixel spacing."""
    region = _find_region(header)
    if region is not None and _fits(region, header):
        return abs(float(region.PhysicalDeltaY)) * 10, abs(float(region.PhysicalDeltaX)) * 10
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        numbers = numbers_of(header, keyword, number)
        if len(numbers) == 2 and min(numbers) > 0:
            return numbers[0], numbers[1]
    return None


def region_of(header: Dataset) -> tuple[int, int, int, int] | None:
    """The largest calibrated 2D ultrasound region: top, left, bottom, right, of which the last two are outside."""
    region = _find_region(header)
    return None if region is None or not _fits(region, header) else _box(region)


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


def _rounded(spacing: tuple[float, float] | None) -> tuple[float, ...]:
    return () if spacing is None else tuple(round(side, DECIMALS) for side in spacing)


def _only(values: Collection[T | None]) -> T | None:
    return next(iter(values)) if len(values) == 1 else None
