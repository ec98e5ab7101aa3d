# SPDX-License-Identifier: Apache-2.0
"""The stored bytes of each frame of a DICOM file, whatever its header says about how many there are and where."""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from monai_i2v.errors import UsageError
from monai_i2v.media.dicom.fragments import Fragments, find_fragments
from monai_i2v.media.dicom.header import DICOM_ERRORS, read_dicom
from monai_i2v.media.quiet import quiet

__all__ = ["PixelData", "find_pixel_data"]

logger = logging.getLogger(__name__)

KEYWORDS = {0x0008: "FloatPixelData", 0x0009: "DoubleFloatPixelData", 0x0010: "PixelData"}  # by element of group 7FE0
UNDEFINED = 0xFFFFFFFF  # length of pixel data in fragments
IMAGE_TAGS = (
    *("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
)


class Element(NamedTuple):
    """Where the pixel data of a file lie."""

    keyword: str
    kind: str  # value representation
    begin: int  # of the value, bytes
    length: int  # bytes, or UNDEFINED


@dataclass(frozen=True)
class PixelData:
    """Frames of a file as they are stored.

    Args:
        path: the file.
        header: what `read_header` gives.
        element: where the pixel data lie.
        fragments: the compressed frames; None where frames lie one after the other, uncompressed.
        length: number of frames that are there.
        photometric: how colors are stored; it may differ from the header, where the number of bytes proves it wrong.
    """

    path: Path
    header: Dataset
    element: Element
    fragments: Fragments | None
    length: int
    photometric: str

    def frame(self, number: int) -> Dataset:
        """A data set of one frame, from 0, with all that pydicom needs to decode it.

        Raises:
            Exception: One of the `DICOM_ERRORS`, when the file is cut off before.
        """
        with _open(self.path, self.header) as file:
            content = self._bytes(file, number) if self.fragments is None else self.fragments.item(file, number)
        frame = Dataset()
        frame.file_meta = self.header.file_meta
        for keyword in IMAGE_TAGS:
            if keyword in self.header:
                frame[keyword] = self.header[keyword]
        frame.PhotometricInterpretation, frame.NumberOfFrames = self.photometric, 1
        frame.add_new(self.element.keyword, self.element.kind, content)
        if self.fragments is not None:
            frame["PixelData"].is_undefined_length = True
        return frame

    def _bytes(self, file: BinaryIO, number: int) -> bytes:
        if self.header.BitsAllocated == 1:
            return _packed_bits(file, self.element.begin, number, self.header.Rows * self.header.Columns)
        size = _frame_size(self.header, self.photometric)
        file.seek(self.element.begin + number * size)
        return _padded(_read(file, size))


def find_pixel_data(path: Path, header: Dataset) -> PixelData:
    """Find the frames of a file, and count them; a number of frames in the header that is wrong is logged.

    Raises:
        UsageError: When there are none, or nobody can tell where one ends and the next begins.
    """
    said = int(header.get("NumberOfFrames") or 1)
    try:
        with _open(path, header) as file:
            element = _find_element(path, header, file)
            file.seek(0, 2)
            end = file.tell()
            if element.length == UNDEFINED:
                fragments = find_fragments(file, element.begin, said)
                found, is_complete, photometric = len(fragments.frames), fragments.is_complete, _photometric(header)
            else:
                fragments, is_complete = None, element.begin + element.length <= end
                photometric, found = _count_uncompressed(header, said, element.length)
    except DICOM_ERRORS as error:
        raise UsageError(
            f"{path} has pixel data that cannot be read; it is damaged or cut off; export it again."
        ) from error
    if element.length == UNDEFINED and not header.file_meta.TransferSyntaxUID.is_encapsulated:
        raise UsageError(
            f"{path} lacks the header (file meta group) that says how its frames are compressed; expected one with a "
            "transfer syntax; export it again as a DICOM file (part 10)."
        )
    length = said if found == said or (found < said and not is_complete) else found
    if length < 1:
        raise UsageError(f"{path} claims to hold {said} frames, but has the pixels of none; export it again.")
    if length != said:
        logger.warning("%s says that it holds %d frames, but has %d; these are read.", path.name, said, length)
    return PixelData(path, header, element, fragments, length, photometric)


def _open(path: Path, header: Dataset) -> BinaryIO:
    """The file; of a deflated one, its inflated pixel data."""
    if header.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
        return BytesIO(_inflate(path, path.stat().st_mtime_ns))
    return path.open("rb")


@lru_cache(maxsize=1)
def _inflate(path: Path, changed: int) -> bytes:
    """Pixel data of a deflated file as it was when last changed; those of the last file are kept."""
    return bytes(read_dicom(path).PixelData)


def _find_element(path: Path, header: Dataset, file: BinaryIO) -> Element:
    syntax = header.file_meta.TransferSyntaxUID
    if syntax == DeflatedExplicitVRLittleEndian:
        kind = "OB" if header.BitsAllocated <= 8 else "OW"
        return Element("PixelData", kind, 0, len(file.read()))
    with quiet("pydicom"):
        dcmread(file, force=True, stop_before_pixels=True, specific_tags=[])  # it stays where it stops
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    group, element = struct.unpack(f"{order}HH", file.read(4))
    if group != 0x7FE0:
        raise ValueError("no pixel data")
    kind = "OW"
    if not syntax.is_implicit_VR:
        kind = file.read(4)[:2].decode("ascii")
    (length,) = struct.unpack(f"{order}I", file.read(4))
    return Element(KEYWORDS[element], kind, file.tell(), length)


def _photometric(header: Dataset) -> str:
    return str(header.PhotometricInterpretation)


def _frame_size(header: Dataset, photometric: str) -> int:
    """Bytes of an uncompressed frame of whole bytes per value."""
    values = header.Rows * header.Columns * header.get("SamplesPerPixel", 1)
    return int(values * (header.BitsAllocated // 8) * (2 if photometric == "YBR_FULL_422" else 3) // 3)


def _count_uncompressed(header: Dataset, said: int, length: int) -> tuple[str, int]:
    """How colors are stored, and number of whole frames in so many bytes."""
    photometric = _photometric(header)
    if header.BitsAllocated == 1:
        pixels = header.Rows * header.Columns
        return photometric, said if length <= (said * pixels + 7) // 8 + 1 else length * 8 // pixels
    if photometric == "YBR_FULL_422" and length // _frame_size(header, "YBR_FULL") == said:
        photometric = "YBR_FULL"  # what is stored is not subsampled
    size = _frame_size(header, photometric)
    is_said = said * size <= length <= said * size + 1  # an odd number of bytes is padded
    return photometric, said if is_said else length // size


def _packed_bits(file: BinaryIO, begin: int, number: int, pixels: int) -> bytes:
    """Pixels of 1 bit of a frame, which may begin within a byte."""
    first = number * pixels
    file.seek(begin + first // 8)
    stored = np.frombuffer(_read(file, (first % 8 + pixels + 7) // 8), np.uint8)
    bits = np.unpackbits(stored, bitorder="little")[first % 8 :][:pixels]
    return _padded(np.packbits(bits, bitorder="little").tobytes())


def _read(file: BinaryIO, size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise EOFError(f"{size} bytes of pixels")
    return content


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (len(content) % 2)
