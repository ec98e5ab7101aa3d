# SPDX-License-Identifier: Apache-2.0
"""What a DICOM header says about one frame: in its own functional groups, in those that all share, or at the top."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydicom import Dataset

__all__ = ["find_in_frame", "numbers_of", "one_per_description"]


def find_in_frame(header: Dataset, keyword: str, number: int = 0) -> Any:
    """Value of an attribute for a frame, None where nothing says it; the frame's own groups come first.

    Args:
        header: what `read_header` gives.
        keyword: of the attribute.
        number: of the frame in the file, from 0.

    Example::

        >>> from pydicom import Dataset
        >>> from monai_i2v.media.dicom.frame_groups import find_in_frame
        >>> groups = [Dataset(), Dataset()]
        >>> for slope, group in enumerate(groups, start=2):
        ...     values = Dataset()
        ...     values.RescaleSlope = slope
        ...     group.PixelValueTransformationSequence = [values]
        >>> header = Dataset()
        >>> header.PerFrameFunctionalGroupsSequence = groups
        >>> float(find_in_frame(header, "RescaleSlope", 1))
        3.0
    """
    for place in _places(header, number):
        value = place.get(keyword)
        if value is not None and value != "":
            return value
    return None


def numbers_of(header: Dataset, keyword: str, number: int = 0) -> list[float]:
    """Numbers of an attribute for a frame; none where nothing says it, or one of them is not finite."""
    value = find_in_frame(header, keyword, number)
    if value is None:
        return []
    numbers = [float(part) for part in value] if hasattr(value, "__iter__") else [float(value)]
    return numbers if all(map(math.isfinite, numbers)) else []


def one_per_description(
    frames: Sequence[tuple[Path, int]], headers: Mapping[Path, Dataset]
) -> Iterator[tuple[Dataset, int]]:
    """Header and number of each frame that is described by itself, and of one of those that only a file describes."""
    seen = set()
    for path, number in frames:
        own = number if headers[path].get("PerFrameFunctionalGroupsSequence") else 0
        if (path, own) not in seen:
            seen.add((path, own))
            yield headers[path], own


def _places(header: Dataset, number: int) -> Iterator[Dataset]:
    own = (header.get("PerFrameFunctionalGroupsSequence") or [])[number : number + 1]
    shared = (header.get("SharedFunctionalGroupsSequence") or [])[:1]
    for group in (*own, *shared):
        for macro in group:
            if macro.VR == "SQ" and macro.value and not macro.tag.is_private:
                yield macro.value[0]
    yield header
