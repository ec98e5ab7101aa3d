# SPDX-License-Identifier: Apache-2.0
"""What a DICOM segmentation (SEG) says beside its frames: whose it is, what made it, what its segments are."""

from __future__ import annotations

from collections.abc import Sequence

from highdicom import UID, AlgorithmIdentificationSequence, SOPClass
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage

from monai_i2v.masks.dicom_seg import segment_label
from monai_i2v.version import __version__

__all__ = ["SOURCE_TAGS", "describe_segment", "new_seg"]

# What the standard demands of every instance; all of it may be empty (type 2 in PS3.3 C.7.1.1 and C.7.2.1).
PATIENT_TAGS = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"),
)
LOSSY_TAGS = ("LossyImageCompressionRatio", "LossyImageCompressionMethod")
SOURCE_TAGS = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"),
    *("SpecificCharacterSet", "LossyImageCompression", *PATIENT_TAGS, *LOSSY_TAGS),
)
NO_DATE, NO_TIME = "19000101", "000000"  # where a date may not be empty
SERIES_NUMBER = 900  # those of scanners are smaller
PIXELS = {  # PS3.3 C.8.20.2, of a BINARY segmentation
    **{"SegmentationType": "BINARY", "SegmentsOverlap": "NO", "PhotometricInterpretation": "MONOCHROME2"},
    **{"SamplesPerPixel": 1, "BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "PixelRepresentation": 0},
}


def new_seg(sources: Sequence[Dataset], *, anonymize: bool) -> Dataset:
    """A segmentation without segments and frames: patient, study, equipment, and the instances that it is about.

    Args:
        sources: headers with the `SOURCE_TAGS`, one per file of the recording.
        anonymize: leave patient, study and dates empty, and keep the UIDs.
    """
    first = sources[0]
    seg = SOPClass(
        study_instance_uid=first.StudyInstanceUID,
        series_instance_uid=UID(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=UID(),
        sop_class_uid=SegmentationStorage,
        instance_number=1,
        modality="SEG",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        manufacturer="monai_i2v",
        manufacturer_model_name="monai_i2v",
        device_serial_number="0",
        software_versions=__version__,
        series_description="Masks by monai_i2v",
    )
    if anonymize:
        _leave_out_dates(seg)
    else:
        for keyword in ("SpecificCharacterSet", *PATIENT_TAGS):
            if keyword in first:
                seg[keyword] = first[keyword]
    for keyword, value in PIXELS.items():
        setattr(seg, keyword, value)
    seg.ImageType = ["DERIVED", "PRIMARY"]
    seg.ContentLabel, seg.ContentCreatorName = "MASKS", None
    seg.ContentDescription = "Research only, not for clinical decisions"
    _copy_lossy_compression(seg, sources)
    _refer_to(seg, sources)
    return seg


def describe_segment(number: int, label: int, color: tuple[int, int, int]) -> SegmentDescription:
    """Segment of a label. What it shows nobody has told: the codes say tissue."""
    algorithm = AlgorithmIdentificationSequence(
        name="monai_i2v", family=codes.DCM.ArtificialIntelligence, version=__version__
    )
    return SegmentDescription(
        segment_number=number,
        segment_label=segment_label(label),
        segmented_property_category=codes.SCT.Tissue,
        segmented_property_type=codes.SCT.Tissue,
        algorithm_type=SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=algorithm,
        display_color=CIELabColor.from_rgb(*color),
    )


def _leave_out_dates(seg: Dataset) -> None:
    """Also the day on which it was made: that may be the day of the examination."""
    seg.ContentDate, seg.ContentTime = NO_DATE, NO_TIME
    del seg.InstanceCreationDate, seg.InstanceCreationTime
    seg.PatientIdentityRemoved = "YES"
    seg.DeidentificationMethod = "Patient, study and dates left out, UIDs kept"
    seg.LongitudinalTemporalInformationModified = "REMOVED"


def _copy_lossy_compression(seg: Dataset, sources: Sequence[Dataset]) -> None:
    lossy = next((source for source in sources if source.get("LossyImageCompression") == "01"), None)
    seg.LossyImageCompression = "00" if lossy is None else "01"
    for keyword in LOSSY_TAGS:
        if lossy is not None and keyword in lossy:
            seg[keyword] = lossy[keyword]


def _refer_to(seg: Dataset, sources: Sequence[Dataset]) -> None:
    """Common instance reference: the recording's series and instances."""
    instances = []
    for source in sources:
        instance = Dataset()
        instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
        instances.append(instance)
    series = Dataset()
    series.SeriesInstanceUID = sources[0].SeriesInstanceUID
    series.ReferencedInstanceSequence = instances
    seg.ReferencedSeriesSequence = [series]
