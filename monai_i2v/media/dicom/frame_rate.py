# SPDX-License-Identifier: Apache-2.0
"""How fast the frames of a DICOM recording follow each other, by what its header says of all of them."""

from __future__ import annotations

import logging
from itertools import accumulate

from pydicom import Dataset
from pydicom.tag import Tag

from monai_i2v.media.dicom.frame_groups import numbers_of
from monai_i2v.media.video import FRAME_TIMES

__all__ = ["frame_time_of", "frame_times_of"]

logger = logging.getLogger(__name__)

RATE_ROUNDING = 1.0  # per s; CineRate is a whole number


def frame_time_of(header: Dataset) -> float | None:
    """Seconds from one frame to the next: frame time, mean of the frame times, or one of the two rates.

    The first that can be true counts; of frame time and frame times first the one that the file names as its
    increment. A cine rate that says something else is logged; how fast to show frames does not say how they were taken.
    """
    vector = numbers_of(header, "FrameTimeVector")[1:]  # the first entry is 0
    milliseconds = [*numbers_of(header, "FrameTime")[:1], *([sum(vector) / len(vector)] if vector else [])]
    if header.get("FrameIncrementPointer") == Tag("FrameTimeVector"):
        milliseconds.reverse()
    cine, shown = (
        [1 / rate for rate in numbers_of(header, keyword)[:1] if rate]
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


def frame_times_of(header: Dataset, length: int) -> tuple[float, ...]:
    """Seconds of each frame, by the Frame Time Vector, where that is what tells the time; () else.

    A vector of another length, with which nobody can tell which step is which, is logged; its mean may still count, see
    `frame_time_of`. One entry less than frames is the same without the 0 that it begins with.

    Args:
        header: what `read_header` gives.
        length: number of frames.

    Example::

        >>> from pydicom import Dataset
        >>> from monai_i2v.media.dicom.frame_rate import frame_times_of
        >>> header = Dataset()
        >>> header.FrameTimeVector = [0, 40, 2000]
        >>> frame_times_of(header, 3)
        (0.0, 0.04, 2.04)
    """
    vector = numbers_of(header, "FrameTimeVector")
    is_named = header.get("FrameIncrementPointer") == Tag("FrameTimeVector")
    if not vector or (any(numbers_of(header, "FrameTime")) and not is_named):
        return ()
    steps = vector if len(vector) == length - 1 and vector[0] else vector[1:]
    if len(steps) != length - 1:
        logger.warning("The DICOM header has %d frame times for %d frames; their mean is taken.", len(vector), length)
        return ()
    if not all(FRAME_TIMES[0] <= step / 1000 <= FRAME_TIMES[1] for step in steps) or len(set(steps)) < 2:
        return ()
    return tuple(milliseconds / 1000 for milliseconds in accumulate(steps, initial=0.0))
