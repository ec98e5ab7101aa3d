# SPDX-License-Identifier: Apache-2.0
"""Label maps as a DICOM segmentation (SEG) that points at the frames that they belong to."""

from __future__ import annotations

import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from pydicom import DataElement, Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.tag import Tag
from pydicom.uid import generate_uid
from pydicom.valuerep import DSfloat

from monai_i2v.files.complete_file import complete_file
from monai_i2v.masks.dicom_seg_header import SOURCE_TAGS, describe_segment, new_seg
from monai_i2v.masks.palette import label_colors
from monai_i2v.media.dicom.header import read_dicom
from monai_i2v.media.dicom.plane import PLANE_TAGS, Planes, find_planes
from monai_i2v.media.video import SourceFrame, VideoInfo

__all__ = ["DicomSegWriter"]

# Sequences that hold an attribute, and the attribute: what tells frames apart.
DIMENSIONS = (
    ("SegmentIdentificationSequence", "ReferencedSegmentNumber"),
    ("FrameContentSequence", "TemporalPositionIndex"),
)


class DicomSegWriter:
    """Collects label maps, and writes them as one BINARY SEG, which more viewers know than a LABELMAP.

    One segment per label: their numbers go from 1, as the standard wants it, and their names keep the labels (see
    `segment_label`). Each frame refers to the SOP instance and the frame that it is about, so that no positions in
    space are needed, which ultrasound does not have (PS3.3 A.51.5.1); they are copied where the source has them. Where
    a label does not appear there is no frame for it: a reader takes it as empty.

    Label maps are held compressed, and pixels go through a temporary file: memory grows by a description per frame. Of
    the patient the file holds what the standard demands of every instance, and nothing else.

    Args:
        info: facts about the recording; its `sources` are known.
        labels: labels that get a segment even when no frame shows them.
        anonymize: leave patient, study and dates empty, and keep the UIDs, without which it would belong to nothing.
    """

    def __init__(self, info: VideoInfo, labels: Sequence[int] | None = None, *, anonymize: bool = False) -> None:
        self.info, self.anonymize = info, anonymize
        self._labels = set(labels or ())
        self._packed: dict[int, tuple[bytes, np.dtype]] = {}

    def add(self, index: int, labels: np.ndarray) -> None:
        """Take the label map (H, W) of a frame; a second one of the same frame replaces the first."""
        small = labels.astype(np.min_scalar_type(int(labels.max())))
        self._packed[index] = zlib.compress(small.tobytes(), level=1), small.dtype
        self._labels |= {int(label) for label in np.unique(small[small > 0])}

    def save(self, path: Path) -> None:
        """Write the file; none without any label, as a SEG has at least one segment.

        Raises:
            UsageError: When the file cannot be written.
        """
        if not self._labels:
            return
        paths = dict.fromkeys(source.path for source in self.info.sources)
        headers = {path: _read_header(path) for path in paths}
        seg = new_seg(list(headers.values()), anonymize=self.anonymize)
        seg.Rows, seg.Columns = self.info.height, self.info.width
        colors = label_colors(sorted(self._labels)).items()
        seg.SegmentSequence = [describe_segment(number, *item) for number, item in enumerate(colors, start=1)]
        _add_dimensions(seg)
        planes = find_planes(headers, self.info.sources) if self.info.spacing else None
        seg.SharedFunctionalGroupsSequence = [_share(seg, planes, self.info)]
        with complete_file(path) as partial, tempfile.TemporaryFile(dir=path.parent) as pixels:
            seg.PerFrameFunctionalGroupsSequence = self._write_frames(pixels, headers, planes)
            seg.NumberOfFrames = len(seg.PerFrameFunctionalGroupsSequence)
            pixels.seek(0)
            seg.add(DataElement(Tag("PixelData"), "OB", pixels))
            seg.save_as(partial, enforce_file_format=True)

    def _write_frames(self, file: BinaryIO, headers: dict[Path, Dataset], planes: Planes | None) -> list[Dataset]:
        """Write the pixels of all frames; return their functional groups."""
        bits, groups = _BitFile(file), []
        lengths = Counter(source.instance for source in self.info.sources)
        numbers = {label: number for number, label in enumerate(sorted(self._labels), start=1)}
        times: dict[int, int] = {}  # by frame of the recording, its rank among those that show something
        for index, label, mask in self._masks():
            bits.write(mask)
            source = self.info.sources[index]
            group = _refer_to(source, headers[source.path], with_number=lengths[source.instance] > 1)
            place = [numbers[label], times.setdefault(index, len(times) + 1)]
            group.FrameContentSequence = [_dataset(DimensionIndexValues=place, TemporalPositionIndex=index + 1)]
            group.SegmentIdentificationSequence = [_dataset(ReferencedSegmentNumber=numbers[label])]
            if planes:
                group.PlanePositionSequence = [_dataset(ImagePositionPatient=list(planes.positions[index]))]
            groups.append(group)
        bits.finish()
        return groups

    def _masks(self) -> Iterator[tuple[int, int, np.ndarray]]:
        """Frame, label and mask (H, W) wherever a label appears; one empty mask when none does anywhere."""
        shape, seen = (self.info.height, self.info.width), False
        for index, (packed, dtype) in sorted(self._packed.items()):
            labels = np.frombuffer(zlib.decompress(packed), dtype).reshape(shape)
            for label in sorted(self._labels):
                if (mask := labels == label).any():
                    seen = True
                    yield index, label, mask
        if not seen:
            yield 0, min(self._labels), np.zeros(shape, bool)


class _BitFile:
    """Pixels of 1 bit, the first in the lowest; a frame may begin and end within a byte."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.rest = file, np.zeros(0, bool)

    def write(self, mask: np.ndarray) -> None:
        bits = np.concatenate([self.rest, mask.ravel()])
        whole = len(bits) // 8 * 8
        self.file.write(np.packbits(bits[:whole], bitorder="little").tobytes())
        self.rest = bits[whole:]

    def finish(self) -> None:
        self.file.write(np.packbits(self.rest, bitorder="little").tobytes())
        self.file.write(b"\0" * (self.file.tell() % 2))


def _read_header(path: Path) -> Dataset:
    return read_dicom(path, stop_before_pixels=True, specific_tags=[*SOURCE_TAGS, *PLANE_TAGS])


def _add_dimensions(seg: Dataset) -> None:
    organization = generate_uid()
    seg.DimensionOrganizationSequence = [_dataset(DimensionOrganizationUID=organization)]
    seg.DimensionIndexSequence = [
        _dataset(
            DimensionOrganizationUID=organization,
            DimensionIndexPointer=Tag(attribute),
            FunctionalGroupPointer=Tag(group),
            DimensionDescriptionLabel=attribute,
        )
        for group, attribute in DIMENSIONS
    ]


def _share(seg: Dataset, planes: Planes | None, info: VideoInfo) -> Dataset:
    """What all frames have in common: size and direction in space, where they are known."""
    if planes is None:
        return Dataset()
    assert info.spacing is not None
    seg.FrameOfReferenceUID, seg.PositionReferenceIndicator = planes.frame_of_reference, None
    spacing = [DSfloat(length, auto_format=True) for length in info.spacing]
    return _dataset(
        PixelMeasuresSequence=[_dataset(PixelSpacing=spacing)],
        PlaneOrientationSequence=[_dataset(ImageOrientationPatient=list(planes.orientation))],
    )


def _refer_to(source: SourceFrame, header: Dataset, *, with_number: bool) -> Dataset:
    """Functional groups of a frame that was made from another one."""
    reference = _dataset(
        ReferencedSOPClassUID=header.SOPClassUID,
        ReferencedSOPInstanceUID=source.instance,
        PurposeOfReferenceCodeSequence=[_code(codes.DCM.SourceImageForImageProcessingOperation)],
        SpatialLocationsPreserved="YES",
    )
    if with_number:
        reference.ReferencedFrameNumber = source.number
    derivation = _dataset(DerivationCodeSequence=[_code(codes.DCM.Segmentation)], SourceImageSequence=[reference])
    return _dataset(DerivationImageSequence=[derivation])


def _code(code: Code) -> Dataset:
    return _dataset(CodeValue=code.value, CodingSchemeDesignator=code.scheme_designator, CodeMeaning=code.meaning)


def _dataset(**elements: object) -> Dataset:
    result = Dataset()
    for keyword, value in elements.items():
        setattr(result, keyword, value)
    return result
