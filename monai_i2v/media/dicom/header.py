# SPDX-License-Identifier: Apache-2.0
"""Headers of DICOM files; nothing about the patient is read."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

from pydicom import DataElement, Dataset, dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from monai_i2v.errors import UsageError
from monai_i2v.media.quiet import quiet

__all__ = ["DICOM_ERRORS", "has_pictures", "is_dicom", "read_dicom", "read_header"]

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
    *("CineRate", "RecommendedDisplayFrameRate", "TriggerTime", "TemporalPositionIdentifier"),
    *("AcquisitionDateTime", "AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime"),
    *("EnergyWindowVector", "DetectorVector", "SliceVector"),
    *("PixelSpacing", "ImagerPixelSpacing", "SequenceOfUltrasoundRegions"),
    *("ImagePositionPatient", "ImageOrientationPatient"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("RedPaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData"),
    *("GreenPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableData"),
    *("BluePaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableData"),
    *("SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData"),
    *("SegmentedBluePaletteColorLookupTableData", "PixelRepresentation", "BitsAllocated", "BitsStored"),
    *("HighBit", "SamplesPerPixel", "PlanarConfiguration"),
)
DICOM_ERRORS = (  # what pydicom raises for damaged files
    *(RuntimeError, ValueError, AttributeError, LookupError, TypeError, OSError, EOFError, struct.error),
    *(InvalidDicomError, BytesLengthException, ArithmeticError, MemoryError, zlib.error),
)
NUMBERS = ("DS", "IS", "US", "SS", "FD", "FL")  # value representations; pydicom gives text where it finds no number
MAGIC = slice(128, 132)  # where a DICOM file says "DICM"
# How a file begins whose header (preamble, "DICM" and file meta group) is missing, or some of it: an element that files
# begin with, its kind or its length, of which the first elements of a file have little.
FIRST_ELEMENTS = {2: (0, 1, 2, 3, 0x10), 8: (0, 1, 5, 8, 0x12, 0x13, 0x14, 0x16, 0x18)}
FIRST_KINDS = (b"UL", b"OB", b"UI", b"CS", b"SH", b"DA", b"TM")
MAX_FIRST_LENGTH = 1024  # bytes


def is_dicom(path: Path) -> bool:
    """Whether a file starts as a DICOM file does, whatever its name; also one without preamble or header."""
    with path.open("rb") as file:
        begin = file.read(MAGIC.stop)
    return begin[MAGIC] == b"DICM" or _begins_with_element(begin)


def read_dicom(path: Path, **how: Any) -> Dataset:
    """Read with pydicom, also a file without preamble, "DICM" or file meta group, for which the encoding is found.

    Args:
        path: of a file of which `is_dicom` is true.
        how: as for pydicom's ``dcmread``.

    Raises:
        Exception: One of the `DICOM_ERRORS`, when it cannot be read.
    """
    if not is_dicom(path):
        raise InvalidDicomError("neither a preamble nor a data set")
    with quiet("pydicom"):
        file = dcmread(path, force=True, **how)
    if not file.file_meta.get("TransferSyntaxUID"):
        is_implicit, is_little = file.original_encoding
        explicit = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        file.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else explicit
    return file


def read_header(path: Path) -> Dataset:
    """Read the facts of `TAGS`; what is not of the kind that the standard says is left out.

    Raises:
        UsageError: When the file is not DICOM.
    """
    try:
        header = read_dicom(path, stop_before_pixels=True, specific_tags=list(TAGS))
        with quiet("pydicom"):
            _leave_out_damage(header)
            _leave_out_damage(header.file_meta)
    except DICOM_ERRORS as error:
        raise UsageError(
            f"{path} cannot be read as DICOM; it is damaged, cut off, or not what its name says; export it again."
        ) from error
    return header


def has_pictures(header: Dataset) -> bool:
    """Whether a header says all that is needed to decode pictures; reports and DICOMDIR have none."""
    sides = (header.get("Rows") or 0, header.get("Columns") or 0)
    said = (header.get("PhotometricInterpretation"), header.file_meta.get("TransferSyntaxUID"))
    return min(sides) > 0 and all(said)


def _begins_with_element(begin: bytes) -> bool:
    if len(begin) < MAGIC.stop:
        return False
    for order in "<>":
        group, element, length = struct.unpack(f"{order}HHI", begin[:8])
        if element in FIRST_ELEMENTS.get(group, ()):
            return begin[4:6] in FIRST_KINDS or length <= MAX_FIRST_LENGTH
    return False


def _leave_out_damage(header: Dataset) -> None:
    """Delete what cannot be read or is of the wrong kind; of a sequence, only that of its parts."""
    for tag in list(header.keys()):
        try:
            element = header[tag]
            for item in _items(element):
                _leave_out_damage(item)
            is_sound = _is_sound(element)
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
