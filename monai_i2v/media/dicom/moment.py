# SPDX-License-Identifier: Apache-2.0
"""What a DICOM header says about where and when a frame was taken."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydicom import Dataset

from monai_i2v.media.dicom.frame_groups import find_in_frame, numbers_of

__all__ = ["Moment", "moment_of"]

POSITION_DECIMALS = 2  # slice positions are told apart to 0.01 mm
DIRECTION_DECIMALS = 3
MILLISECONDS, SECONDS = 0.001, 1.0
CLOCKS = {  # attributes that tell the time of a frame, the best first, and s per unit
    **{"TriggerTime": MILLISECONDS, "TemporalPositionTimeOffset": SECONDS},
    **{"NominalCardiacTriggerDelayTime": MILLISECONDS, "ActualCardiacTriggerDelayTime": MILLISECONDS},
}
DATES = ("FrameAcquisitionDateTime", "FrameReferenceDateTime", "AcquisitionDateTime")
DAYS = {"AcquisitionTime": "AcquisitionDate", "ContentTime": "ContentDate"}  # time and day in two attributes
STACKS = ("StackID", "InStackPositionNumber")
VECTORS = ("EnergyWindowVector", "DetectorVector", "SliceVector")  # of nuclear medicine, a number per frame
INDICES = ("TemporalPositionIndex", "TemporalPositionIdentifier", "DimensionIndexValues")
DATE_TIME = re.compile(r"(\d{8})?(\d{2})(\d{2})(\d{2})(\.\d+)?")


@dataclass(frozen=True)
class Moment:
    """Place and time of a frame, as far as they are told.

    Args:
        place: what tells slices (views, energies) apart; () when unknown.
        indices: order of frames in time, by attribute.
        clocks: seconds, by attribute, the most trusted first.
        stated: the order in which programs number frames (instance number), None when unknown.
    """

    place: tuple[Any, ...] = ()
    indices: dict[str, tuple[float, ...]] = field(default_factory=dict)
    clocks: dict[str, float] = field(default_factory=dict)
    stated: float | None = None


def moment_of(header: Dataset, number: int = 0) -> Moment:
    """Read place and time of a frame.

    Args:
        header: what `read_header` gives.
        number: of the frame in the file, from 0.

    Example::

        >>> from pydicom import Dataset
        >>> from monai_i2v.media.dicom.moment import moment_of
        >>> header = Dataset()
        >>> header.TriggerTime, header.InstanceNumber = 40, 2
        >>> moment_of(header)
        Moment(place=(), indices={}, clocks={'TriggerTime': 0.04}, stated=2.0)
    """
    clocks = {}
    for keyword, unit in CLOCKS.items():
        for value in numbers_of(header, keyword, number)[:1]:
            clocks[keyword] = value * unit
    for keyword in (*DATES, *DAYS):
        seconds = _date_time(header, keyword, number)
        if seconds is not None:
            clocks[keyword] = seconds
    indices = {keyword: tuple(numbers_of(header, keyword, number)) for keyword in INDICES}
    return Moment(
        place=_place(header, number),
        indices={keyword: values for keyword, values in indices.items() if values},
        clocks=clocks,
        stated=next(iter(numbers_of(header, "InstanceNumber")), None),
    )


def _place(header: Dataset, number: int) -> tuple[Any, ...]:
    position = tuple(round(value, POSITION_DECIMALS) for value in numbers_of(header, "ImagePositionPatient", number))
    turn = tuple(round(value, DIRECTION_DECIMALS) for value in numbers_of(header, "ImageOrientationPatient", number))
    if position:
        return (*position, *turn)
    stack = tuple(str(find_in_frame(header, keyword, number) or "") for keyword in STACKS)
    views = tuple(vector[number] for vector in (numbers_of(header, key) for key in VECTORS) if number < len(vector))
    return stack if any(stack) else views


def _date_time(header: Dataset, keyword: str, number: int) -> float | None:
    """Seconds since some day, of a date and time, or of a time with its date in another attribute."""
    text = str(find_in_frame(header, keyword, number) or "")
    day = str(find_in_frame(header, DAYS[keyword], number) or "") if keyword in DAYS else ""
    found = DATE_TIME.match(day + text) or DATE_TIME.match(text)
    if found is None:
        return None
    date, hours, minutes, seconds, rest = found.groups()
    try:
        begin = datetime.strptime(date or "19000101", "%Y%m%d") - datetime(1900, 1, 1)
    except ValueError:
        return None
    clock = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))
    return (begin + clock).total_seconds() + float(rest or 0)
