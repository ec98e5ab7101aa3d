# SPDX-License-Identifier: Apache-2.0
"""What the axes of an NRRD file are: the kinds that it states are believed."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from monai_i2v.media.checksums import read_fields

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813

__all__ = [
    "NRRD_SUFFIXES",
    "SECONDS",
    "SEQUENCE_KEYS",
    "Axes",
    "find_axes",
    "has_time_beside_space",
    "listed_times",
    "restore_axes",
]

NRRD_SUFFIXES = (".nrrd", ".nhdr")
SECONDS = {"s": 1.0, "sec": 1.0, "ms": 0.001, "msec": 0.001, "us": 0.000001}  # units that NRRD files use
INDEX_TYPE, INDEX_VALUES = SEQUENCE_KEYS = ("axis 0 index type", "axis 0 index values")  # of 3D Slicer
STAMP = re.compile(r"Seq_Frame\d+_Timestamp")  # s, in MHA files of PLUS and IGSIO
PIXEL_KIND = "NRRD_kinds[pixel]"  # of the axis along which SimpleITK finds the values of a pixel


class Axes(NamedTuple):
    """Axis of the frames.

    Args:
        frames: number of the axis of the image; 2 or more where nothing is said.
        is_list: whether SimpleITK takes frames for the values of a pixel, and no axis of the image is theirs.

    Example::

        >>> from monai_i2v.media.nrrd_axes import Axes
        >>> Axes(frames=0, is_list=False).order(3)
        [1, 2, 0]
    """

    frames: int
    is_list: bool

    def order(self, dimension: int) -> list[int]:
        """All axes of an image, with that of the frames behind the first two others."""
        others = [axis for axis in range(dimension) if axis != self.frames]
        return [*others[:2], self.frames, *others[2:]]


def find_axes(image: sitk.Image | sitk.ImageFileReader) -> Axes:
    """Find the axis of kind time or list; a kind such as RGB-color or vector means the values of a pixel."""
    kinds = [_meta(image, f"NRRD_kinds[{axis}]") for axis in range(image.GetDimension())]
    frames = next((axis for axis, kind in enumerate(kinds) if kind in ("time", "list")), 2)
    is_list = _meta(image, PIXEL_KIND) == "list" and not {"time", "list"} & set(kinds)
    return Axes(frames, is_list)


def listed_times(image: sitk.Image, path: Path) -> tuple[float, ...]:
    """Seconds of each picture of a sequence by PLUS, or by 3D Slicer if its index has a unit of time; () else."""
    stamps = [key for key in sorted(image.GetMetaDataKeys()) if STAMP.fullmatch(key)]
    if stamps:
        return tuple(_number(_meta(image, key)) for key in stamps)
    values = unquote(_meta(image, INDEX_VALUES)).split()
    if path.suffix.lower() not in NRRD_SUFFIXES or len(values) < 2 or _meta(image, INDEX_TYPE) == "text":
        return ()
    unit = SECONDS.get(next(iter(_units(path)), ""))
    return tuple(_number(value) * unit for value in values) if unit else ()


def has_time_beside_space(path: Path) -> bool:
    """Whether an axis of kind time has no direction in space while others have, which SimpleITK refuses."""
    if path.suffix.lower() not in NRRD_SUFFIXES or not path.is_file():
        return False
    fields = _fields(path)
    return "time" in fields.get("kinds", "").split() and "none" in fields.get("space directions", "")


def restore_axes(path: Path, source: Path, image: sitk.ImageFileReader) -> None:
    """Write into an NRRD file what SimpleITK does not keep of a source: its axis of frames, and the unit of a list.

    Args:
        path: file to change.
        source: file that it is like.
        image: header of the source.
    """
    if not {path.suffix.lower(), source.suffix.lower()} <= set(NRRD_SUFFIXES):
        return
    axes, units = find_axes(image), _units(source)
    kinds = [_meta(image, f"NRRD_kinds[{axis}]") or "domain" for axis in range(image.GetDimension())]
    kinds = ["list"] * axes.is_list + ["time" if kind == "list" else kind for kind in kinds]
    original = _fields(source).get("kinds", "").split()
    header, separator, pixels = path.read_bytes().partition(b"\n\n")
    lines = [line for line in header.decode(errors="replace").split("\n") if not line.startswith("kinds:")]
    lines.insert(-1, f"kinds: {' '.join(kinds)}")
    if axes.is_list and len(units) == len(original):  # only axes without a direction in space may have units
        lines.insert(-1, f'units: "{units[original.index("list")]}"' + ' ""' * (len(kinds) - 1))
    path.write_bytes("\n".join(lines).encode() + separator + pixels)


def _number(text: str) -> float:
    """NaN where it is none, which `VideoInfo` takes for unknown."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _fields(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        found = read_fields(file, b":", last=b"").items()
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, value in found}


def _units(path: Path) -> list[str]:
    return _fields(path).get("units", "").split('"')[1::2]


def _meta(image: sitk.Image | sitk.ImageFileReader, key: str) -> str:
    return str(image.GetMetaData(key)) if image.HasMetaDataKey(key) else ""
