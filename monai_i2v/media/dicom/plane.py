# SPDX-License-Identifier: Apache-2.0
"""Where the frames of a DICOM recording lie in the patient, for recordings that say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset

from monai_i2v.media.video import SourceFrame

__all__ = ["PLANE_TAGS", "Planes", "find_planes"]

PLANE_TAGS = (
    *("FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
)
# Functional group and attribute.
POSITION = ("PlanePositionSequence", "ImagePositionPatient")
ORIENTATION = ("PlaneOrientationSequence", "ImageOrientationPatient")


@dataclass(frozen=True)
class Planes:
    """Planes of one orientation in one frame of reference.

    Args:
        frame_of_reference: UID of the coordinates.
        orientation: six direction cosines, of rows and columns.
        positions: of the first pixel (x, y, z), mm, by frame.
    """

    frame_of_reference: str
    orientation: tuple[Any, ...]
    positions: tuple[tuple[Any, ...], ...]


def find_planes(headers: Mapping[Path, Dataset], sources: Sequence[SourceFrame]) -> Planes | None:
    """Planes of all frames, None when some are not told, or they differ in more than their position.

    Args:
        headers: with the `PLANE_TAGS`, by file.
        sources: where the frames are kept.

    Example::

        >>> from pathlib import Path
        >>> from pydicom import Dataset
        >>> from monai_i2v.media.dicom.plane import find_planes
        >>> from monai_i2v.media.video import SourceFrame
        >>> find_planes({Path("a.dcm"): Dataset()}, [SourceFrame(Path("a.dcm"), "1.2", 1)]) is None
        True
    """
    references = {headers[source.path].get("FrameOfReferenceUID") for source in sources}
    orientations = {_find(headers[source.path], source.number, *ORIENTATION) for source in sources}
    positions = [_find(headers[source.path], source.number, *POSITION) for source in sources]
    if len(references) > 1 or len(orientations) > 1 or not all((*references, *orientations, *positions)):
        return None
    return Planes(str(references.pop()), orientations.pop(), tuple(positions))


def _find(header: Dataset, number: int, macro: str, keyword: str) -> tuple[Any, ...]:
    """Value of an attribute: of the file, of a frame's functional groups, or of the shared ones; () without it."""
    own = (header.get("PerFrameFunctionalGroupsSequence") or [])[number - 1 : number]
    shared = (header.get("SharedFunctionalGroupsSequence") or [])[:1]
    for place in (header, *(item for group in (*own, *shared) for item in group.get(macro) or [])):
        if place.get(keyword):
            return tuple(place.get(keyword))
    return ()
