# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import highdicom
import numpy as np
import pydicom
import pytest

from monai_i2v.errors import UsageError
from monai_i2v.masks.dicom_seg import DicomSeg
from monai_i2v.masks.dicom_seg_writer import DicomSegWriter
from monai_i2v.media.open_video import open_video

SHAPE = (3, 7)  # 21 pixels: a frame of 1 bit each ends within a byte
PATIENT = {"PatientName": "Doe^Jane", "PatientID": "MRN1", "PatientBirthDate": "19530411", "PatientSex": "F"}
STUDY = {"StudyDate": "20260101", "StudyTime": "1200", "StudyID": "S1", "AccessionNumber": "A1"}
# What PS3.3 demands of a segmentation, and may not be empty.
DEMANDED = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "SeriesNumber"),
    *("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions", "InstanceNumber"),
    *("ImageType", "ContentLabel", "ContentDate", "ContentTime", "SegmentationType", "SegmentSequence"),
    *("SamplesPerPixel", "PhotometricInterpretation", "PixelRepresentation", "BitsAllocated", "BitsStored"),
    *("LossyImageCompression", "Rows", "Columns", "NumberOfFrames", "PixelData", "ReferencedSeriesSequence"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("DimensionOrganizationSequence", "DimensionIndexSequence"),
)
MAY_BE_EMPTY = (*PATIENT, *STUDY, "ReferringPhysicianName", "ContentDescription", "ContentCreatorName")


def masks_of(*placed, length=5):
    """Label maps (T, H, W) of which frame t has the label v at pixel (y, x), for each (t, v, y, x)."""
    labels = np.zeros((length, *SHAPE), np.int32)
    for frame, value, row, column in placed:
        labels[frame, row, column] = value
    return labels


MASKS = masks_of((0, 7, 0, 0), (0, 70000, 2, 6), (2, 7, 1, 3), (3, 7, 2, 6), (3, 7, 0, 0))


@pytest.fixture
def cine(tmp_path, write_dicom):
    """Facts about a recording of five frames in one file."""
    frames = np.zeros((5, *SHAPE), np.uint8)
    return open_video(write_dicom(tmp_path / "a.dcm", frames, **{**STUDY, **PATIENT})).info


def save(path, info, masks=MASKS, labels=None, anonymize=False):
    writer = DicomSegWriter(info, labels, anonymize=anonymize)
    for index, label_map in enumerate(masks):
        writer.add(index, label_map)
    writer.save(path)
    return path


def read(path, info):
    seg = DicomSeg(path, info)
    return np.stack([seg[index] for index in range(info.length)])


def test_labels_and_empty_frames_come_back(tmp_path, cine):
    assert np.array_equal(read(save(tmp_path / "b.dcm", cine), cine), MASKS)


def test_frames_may_come_in_any_order_and_again(tmp_path, cine):
    writer = DicomSegWriter(cine)
    for index in (3, 0, 2, 4, 1):
        writer.add(index, 1 - np.zeros(SHAPE, int))
        writer.add(index, MASKS[index])
    writer.save(tmp_path / "b.dcm")
    seg = DicomSeg(tmp_path / "b.dcm", cine)
    assert np.array_equal(seg[3], MASKS[3])
    assert seg.drawn == [0, 2, 3]


def test_there_is_a_frame_per_label_and_frame_that_shows_it_and_it_says_which(tmp_path, cine):
    file = pydicom.dcmread(save(tmp_path / "b.dcm", cine, labels=[7, 70000, 3]))
    assert [(item.SegmentNumber, item.SegmentLabel) for item in file.SegmentSequence] == [
        (1, "label 3"),
        (2, "label 7"),
        (3, "label 70000"),
    ]
    groups = file.PerFrameFunctionalGroupsSequence
    sources = [group.DerivationImageSequence[0].SourceImageSequence[0] for group in groups]
    assert {source.ReferencedSOPInstanceUID for source in sources} == {cine.sources[0].instance}
    assert [source.ReferencedFrameNumber for source in sources] == [1, 1, 3, 4]
    assert [group.FrameContentSequence[0].DimensionIndexValues for group in groups] == [[2, 1], [3, 1], [2, 2], [2, 3]]
    assert [group.FrameContentSequence[0].TemporalPositionIndex for group in groups] == [1, 1, 3, 4]


def test_another_reader_finds_the_same(tmp_path, cine):
    path = save(tmp_path / "b.dcm", cine)
    seg = highdicom.seg.segread(path)
    pixels = seg.get_pixels_by_source_frame(
        cine.sources[0].instance, [1, 2, 3, 4, 5], combine_segments=True, assert_missing_frames_are_empty=True
    )
    assert np.array_equal(np.select([pixels == 1, pixels == 2], [7, 70000]), MASKS)


def test_what_the_standard_demands_is_there_and_nothing_else_of_the_patient(tmp_path, cine):
    file = pydicom.dcmread(save(tmp_path / "b.dcm", cine))
    assert [keyword for keyword in DEMANDED if file.get(keyword) in (None, "")] == []
    assert [keyword for keyword in MAY_BE_EMPTY if keyword not in file] == []
    assert {keyword: str(file.get(keyword)) for keyword in PATIENT} == PATIENT
    assert [element.keyword for element in file if element.tag.group == 0x0010] == list(PATIENT)


def test_an_anonymous_one_has_no_patient_and_no_date_but_points_at_its_source(tmp_path, cine):
    path = save(tmp_path / "b.dcm", cine, anonymize=True)
    file = pydicom.dcmread(path)
    assert [keyword for keyword in DEMANDED if file.get(keyword) in (None, "")] == []
    assert not any(file.get(keyword) for keyword in (*PATIENT, *STUDY))
    dates = {element.keyword: element.value for element in file.iterall() if element.VR in ("DA", "DT")}
    assert {name: value for name, value in dates.items() if value} == {"ContentDate": "19000101"}
    assert file.PatientIdentityRemoved == "YES"
    assert not any(
        value.encode() in path.read_bytes() for value in (*PATIENT.values(), *STUDY.values()) if len(value) > 7
    )
    assert file.StudyInstanceUID == pydicom.dcmread(cine.path).StudyInstanceUID
    assert np.array_equal(read(path, cine), MASKS)


def test_labels_that_no_frame_shows_have_a_segment_and_one_empty_frame(tmp_path, cine):
    path = save(tmp_path / "b.dcm", cine, 0 * MASKS, labels=[7])
    assert pydicom.dcmread(path).NumberOfFrames == 1
    assert not read(path, cine).any()


def test_without_any_label_there_is_no_file(tmp_path, cine):
    assert not save(tmp_path / "b.dcm", cine, 0 * MASKS).exists()


def test_lossy_compression_of_the_source_is_told(tmp_path, write_dicom):
    lossy = {"LossyImageCompression": "01", "LossyImageCompressionRatio": 19}
    info = open_video(write_dicom(tmp_path / "a.dcm", np.zeros((5, *SHAPE), np.uint8), **lossy)).info
    file = pydicom.dcmread(save(tmp_path / "b.dcm", info))
    assert (file.LossyImageCompression, file.LossyImageCompressionRatio) == ("01", 19)


def test_a_series_is_referred_to_by_instance_and_its_planes_are_copied(tmp_path, write_dicom):
    (tmp_path / "series").mkdir()
    for number in range(5):
        place = {"ImagePositionPatient": [1, 2, 3], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        frames = np.zeros((1, *SHAPE), np.uint8)
        elements = {"InstanceNumber": number, "FrameOfReferenceUID": "1.5", "PixelSpacing": [1 / 3, 0.5], **place}
        write_dicom(tmp_path / f"series/{number}.dcm", frames, **elements)
    info = open_video(tmp_path / "series").info
    path = save(tmp_path / "b.dcm", info)
    file = pydicom.dcmread(path)
    groups, shared = file.PerFrameFunctionalGroupsSequence, file.SharedFunctionalGroupsSequence[0]
    sources = [group.DerivationImageSequence[0].SourceImageSequence[0] for group in groups]
    assert [source.ReferencedSOPInstanceUID for source in sources] == [
        info.sources[index].instance for index in (0, 0, 2, 3)
    ]
    assert not any("ReferencedFrameNumber" in source for source in sources)
    assert len(file.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 5
    assert groups[3].PlanePositionSequence[0].ImagePositionPatient == [1, 2, 3]
    assert shared.PixelMeasuresSequence[0].PixelSpacing == pytest.approx([1 / 3, 0.5])
    assert (file.FrameOfReferenceUID, shared.PlaneOrientationSequence[0].ImageOrientationPatient[4]) == ("1.5", 1)
    assert np.array_equal(read(path, info), MASKS)


def test_a_name_that_cannot_be_written_leaves_nothing(tmp_path, cine):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UsageError, match=r"b\.dcm cannot be written \(.*\); choose a folder that you may write to"):
        save(tmp_path / "file" / "b.dcm", cine)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.dcm", "file"]
