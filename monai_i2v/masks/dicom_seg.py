# SPDX-License-Identifier: Apache-2.0
"""Label maps out of a DICOM segmentation (SEG), by the frames of the recording that it refers to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.pixels import iter_pixels
from pydicom.uid import SegmentationStorage

from monai_i2v.errors import UsageError
from monai_i2v.media.dicom.header import DICOM_ERRORS, read_dicom
from monai_i2v.media.video import VideoInfo

__all__ = ["DicomSeg", "segment_label"]

LABEL_MAP_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"  # of 2024, which pydicom 3.0 does not name
SEGMENT_LABEL = re.compile(r"label (\d+)")


def segment_label(label: int) -> str:
    """How a label value stands in a SEG, whose segments are numbered 1, 2, 3 ...: as the name of its segment."""
    return f"label {label}"


class DicomSeg:
    """Label maps by frame of a recording, out of a SEG of any tool.

    BINARY, LABELMAP, and FRACTIONAL, of which a segment is what lies above half of the maximum. A frame of the SEG
    belongs to the frame of the recording to which its Derivation Image group refers, in whatever order they are; one
    that refers elsewhere is left out. The label of a segment is its number; where all segments are named as
    `segment_label` names them, it is the one in the name.

    Args:
        path: the SEG.
        info: facts about the recording.

    Raises:
        UsageError: When the file is no SEG, cannot be read, or belongs to another recording.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from pydicom.examples import get_path
        >>> from monai_i2v.media import open_video
        >>> from monai_i2v.masks.dicom_seg import DicomSeg
        >>> from monai_i2v.masks.dicom_seg_writer import DicomSegWriter
        >>> info = open_video(get_path("ybr_color")).info
        >>> labels = np.zeros((240, 320), np.uint8)
        >>> labels[100:110, 50:60] = 7
        >>> writer = DicomSegWriter(info)
        >>> writer.add(12, labels)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     writer.save(Path(folder, "masks.dcm"))
        ...     masks = DicomSeg(Path(folder, "masks.dcm"), info)
        >>> masks.drawn, bool((masks[12] == labels).all()), int(masks[13].max())
        ([12], True, 0)
    """

    def __init__(self, path: Path, info: VideoInfo) -> None:
        self.path = path
        try:
            self._file = read_dicom(path)
            if self._file.SOPClassUID not in (SegmentationStorage, LABEL_MAP_STORAGE):
                raise UsageError(
                    f"{path} is a DICOM file, but no segmentation (its modality is {self._file.get('Modality')}); "
                    "expected a SEG; choose one, or a PNG or NIfTI."
                )
            self.shape = (int(self._file.Rows), int(self._file.Columns))
            self._labels = _labels_by_segment(self._file)
            self._parts = self._match(info)
        except UsageError:
            raise
        except DICOM_ERRORS as error:
            raise UsageError(
                f"{path} cannot be read as a DICOM segmentation; it is damaged, cut off, or lacks what the standard "
                "demands; export it again."
            ) from error

    @property
    def drawn(self) -> list[int]:
        """Frames of the recording of which the file says something, ascending."""
        return sorted(self._parts)

    def __getitem__(self, index: int) -> np.ndarray:
        """Label map (H, W) int32 of a frame of the recording; 0 where the file says nothing.

        Raises:
            UsageError: When the pixels cannot be decoded, or objects overlap.
        """
        labels = np.zeros(self.shape, np.int32)
        for number, segment in self._parts.get(index, []):
            for label, mask in self._masks(number, segment):
                overlap = int(np.count_nonzero((labels[mask] != 0) & (labels[mask] != label)))
                if overlap:
                    raise UsageError(
                        f"segments of {self.path} overlap in frame {index} (object {label} covers {overlap} pixels of "
                        "others); expected one object per pixel; export it without overlaps, for example as NIfTI."
                    )
                labels[mask] = label
        return labels

    def _match(self, info: VideoInfo) -> dict[int, list[tuple[int, int | None]]]:
        """By frame of the recording, the frames of the file that refer to it, and the segment of each."""
        if not info.sources:
            raise UsageError(
                f"{self.path} belongs to a DICOM recording, but {info.path} is none; give its mask as PNG or NIfTI."
            )
        places = {(source.instance, source.number): index for index, source in enumerate(info.sources)}
        lengths = Counter(source.instance for source in info.sources)
        shared = (self._file.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
        parts: dict[int, list[tuple[int, int | None]]] = {}
        for number, group in enumerate(self._file.get("PerFrameFunctionalGroupsSequence") or []):
            for instance, frames in _references(group, shared):
                # Without a number, a reference is to all frames: clear only where there is one.
                for frame in frames or ([1] if lengths[instance] == 1 else []):
                    if (instance, frame) in places:
                        parts.setdefault(places[instance, frame], []).append((number, _segment(group, shared)))
        if not parts:
            raise UsageError(
                f"{self.path} is a segmentation of another recording: none of its frames refers to a frame of "
                f"{info.path}; expected the SEG of this recording; choose that, or a PNG or NIfTI."
            )
        return parts

    def _masks(self, number: int, segment: int | None) -> list[tuple[int, np.ndarray]]:
        """Label and mask (H, W) of the segments in a frame of the file."""
        try:
            pixels = self._pixels(number)
            if segment is None:
                return [(self._labels[int(value)], pixels == value) for value in np.unique(pixels[pixels > 0])]
            highest = self._file.MaximumFractionalValue if self._file.SegmentationType == "FRACTIONAL" else 1
            return [(self._labels[segment], pixels > highest / 2)]
        except DICOM_ERRORS as error:
            raise UsageError(
                f"frame {number} of {self.path} cannot be decoded; it is damaged, cut off, or of a rare kind; export "
                "it again, uncompressed."
            ) from error

    def _pixels(self, number: int) -> np.ndarray:
        rows, columns = self.shape
        if self._file.BitsAllocated > 1 or self._file.file_meta.TransferSyntaxUID.is_encapsulated:
            return next(iter_pixels(self._file, indices=[number], raw=True))
        # pydicom 3.0 does not find a frame that begins within a byte.
        first = number * rows * columns
        stored = np.frombuffer(self._file.PixelData, np.uint8)[first // 8 : (first + rows * columns + 7) // 8]
        bits = np.unpackbits(stored, bitorder="little")[first % 8 :]
        return bits[: rows * columns].reshape(rows, columns)


def _labels_by_segment(file: Dataset) -> dict[int, int]:
    segments = {int(item.SegmentNumber): str(item.get("SegmentLabel") or "") for item in file.SegmentSequence}
    segments.pop(0, None)  # the background of a LABELMAP
    names = [SEGMENT_LABEL.fullmatch(name) for name in segments.values()]
    values = [int(name[1]) for name in names if name]
    if len(set(values)) < len(segments):
        return {number: number for number in segments}
    return dict(zip(segments, values, strict=True))


def _references(group: Dataset, shared: Dataset) -> Iterator[tuple[str, list[int]]]:
    """Instances that a frame refers to, and the numbers of their frames, from 1; none where there is no number."""
    for derivation in group.get("DerivationImageSequence") or shared.get("DerivationImageSequence") or []:
        for source in derivation.get("SourceImageSequence") or []:
            numbers = source.get("ReferencedFrameNumber")
            found = [] if numbers is None else numbers if hasattr(numbers, "__iter__") else [numbers]
            yield str(source.ReferencedSOPInstanceUID), [int(number) for number in found]


def _segment(group: Dataset, shared: Dataset) -> int | None:
    """Number of the segment of a frame; None in a LABELMAP, whose pixels say it."""
    for identification in (
        group.get("SegmentIdentificationSequence") or shared.get("SegmentIdentificationSequence") or []
    ):
        return int(identification.ReferencedSegmentNumber)
    return None
