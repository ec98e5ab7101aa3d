# SPDX-License-Identifier: Apache-2.0
"""Where the frames of a DICOM recording lie in the patient, for recordings that say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset

from monai_i2v.data.video import SourceFrame

__all__ = ["PLANE_TAGS", "Planes", "find_planes"]

PLANE_TAGS = (
    *("FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
)


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
        >>> from monai_i2v.data.dicom_plane import find_planes
        >>> from monai_i2v.data.video import SourceFrame
        >>> find_planes({Path("a.dcm"): Dataset()}, [SourceFrame(Path("a.dcm"), "1.2", 1)]) is None
        True
    """
    references = {headers[source.path].get("FrameOfReferenceUID") for source in sources}
    orientations = {_find(headers[source.path], source.number, "ImageOrientationPatient") for source in sources}
    positions = [_find(headers[source.path], source.number, "ImagePositionPatient") for source in sources]
    if len(references) > 1 or len(orientations) > 1 or not all((*references, *orientations, *positions)):
        return None
    return Planes(str(references.pop()), orientations.pop(), tuple(positions))


def _find(header: Dataset, number: int, keyword: str) -> tuple[Any, ...]:
    """Value of an attribute: of the file, of a frame's functional groups, or of the shared ones; () without it."""
    per_frame, shared = (header.get(name) or [] for name in PLANE_TAGS[:2:-1])
    for group in (header, *per_frame[number - 1 : number], *shared[:1]):
        for name in ("PlanePositionSequence", "PlaneOrientationSequence"):
            for found in (group, *(group.get(name) or [])):
                if found.get(keyword):
                    return tuple(found.get(keyword))
    return ()
