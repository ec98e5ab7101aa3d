# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from highdicom.seg import Segmentation, SegmentDescription
from pydicom.sr.codedict import codes
from pydicom.uid import MRImageStorage, UltrasoundImageStorage, generate_uid

from monai_i2v.errors import UsageError
from monai_i2v.masks.dicom_seg import DicomSeg
from monai_i2v.masks.mask_files import read_mask
from monai_i2v.masks.truth import Truth
from monai_i2v.media.open_video import open_video

SHAPE = (3, 7)
TYPE_2 = dict.fromkeys(("PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate"), "")
LABELS = np.zeros((4, *SHAPE), np.uint8)  # frame 0 shows both objects, frame 2 the second one
LABELS[0, 0, :3], LABELS[0, 2, 6], LABELS[2, 1, 1:4] = 1, 2, 2


@pytest.fixture
def stack(tmp_path, write_dicom):
    """A recording of four files in space, of which highdicom makes segmentations, and a function that does so."""
    (tmp_path / "stack").mkdir()
    for number in range(4):
        elements = {
            **{"SOPClassUID": MRImageStorage, "Modality": "MR", "FrameOfReferenceUID": "1.5", "InstanceNumber": number},
            **{"ImagePositionPatient": [0, 0, -5 * number], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
            **{"PixelSpacing": [1, 1], "SliceThickness": 5, "StudyTime": "", **TYPE_2},
        }
        write_dicom(tmp_path / f"stack/{number}.dcm", np.zeros((1, *SHAPE), np.uint8), **elements)
    info = open_video(tmp_path / "stack").info
    sources = [pydicom.dcmread(source.path) for source in info.sources]
    return info, lambda pixels, **options: save_foreign(tmp_path / "seg.dcm", sources, pixels, **options)


def save_foreign(path, sources, pixels, kind="BINARY", names=("heart", "liver"), **options):
    """A segmentation as highdicom writes it."""
    segments = [
        SegmentDescription(number, name, codes.SCT.Organ, codes.SCT.Organ, "MANUAL")
        for number, name in enumerate(names, start=1)
    ]
    seg = Segmentation(
        *(sources, pixels, kind, segments, generate_uid(), 1, generate_uid(), 1),
        **{"manufacturer": "x", "manufacturer_model_name": "x", "software_versions": "x", "device_serial_number": "x"},
        **options,
    )
    seg.save_as(path)
    return path


def change(path, edit):
    file = pydicom.dcmread(path)
    edit(file)
    file.save_as(path)
    return path


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "FRACTIONAL"])
@pytest.mark.parametrize("omit_empty_frames", [True, False])
def test_every_kind_gives_segment_numbers_by_referenced_frame(stack, kind, omit_empty_frames):
    info, save = stack
    seg = DicomSeg(save(LABELS, kind=kind, omit_empty_frames=omit_empty_frames), info)
    assert seg[0].dtype == np.int32
    assert np.array_equal([seg[index] for index in range(4)], LABELS)  # highdicom's own order is that of space


def test_fractions_above_a_half_belong_to_the_segment(stack):
    info, save = stack
    fractions = np.zeros((4, *SHAPE, 2), np.float32)
    fractions[1, 0, :4, 0] = (0.2, 0.49, 0.51, 1)
    seg = DicomSeg(save(fractions, kind="FRACTIONAL"), info)
    assert seg[1][0, :4].tolist() == [0, 0, 1, 1]


def test_segments_and_frames_may_be_in_any_order(stack):
    info, save = stack

    def reverse(file):
        pixels = file.pixel_array[::-1]
        file.SegmentSequence = list(file.SegmentSequence)[::-1]
        file.PerFrameFunctionalGroupsSequence = list(file.PerFrameFunctionalGroupsSequence)[::-1]
        packed = np.packbits(pixels.ravel(), bitorder="little").tobytes()
        file.PixelData = packed + b"\0" * (len(packed) % 2)

    seg = DicomSeg(change(save(LABELS), reverse), info)
    assert np.array_equal([seg[index] for index in range(4)], LABELS)


def test_names_that_keep_labels_give_them_and_others_do_not(stack):
    info, save = stack
    assert set(np.unique(DicomSeg(save(LABELS, names=("label 9", "label 4")), info)[0])) == {0, 9, 4}
    assert set(np.unique(DicomSeg(save(LABELS, names=("label 9", "liver")), info)[0])) == {0, 1, 2}
    assert set(np.unique(DicomSeg(save(LABELS, names=("label 9", "label 9")), info)[0])) == {0, 1, 2}


def test_it_is_read_as_a_reference_mask_and_as_truth(stack, tmp_path):
    info, save = stack
    path = save(LABELS)
    assert np.array_equal(read_mask(path, info, 2), LABELS[2])
    truth = Truth(path, open_video(tmp_path / "stack"))
    assert np.array_equal(truth[0], LABELS[0])
    with pytest.raises(
        UsageError, match=r"seg\.dcm is empty \(all 0\) in frame 1 \(the first that it draws is 0\); .*"
    ):
        read_mask(path, info, 1)


def test_a_single_picture_without_position_is_matched(tmp_path, write_dicom):
    elements = {"SOPClassUID": UltrasoundImageStorage, "Modality": "US", "StudyTime": "", **TYPE_2}
    info = open_video(write_dicom(tmp_path / "a.dcm", np.zeros((1, *SHAPE), np.uint8), **elements)).info
    path = save_foreign(tmp_path / "seg.dcm", [pydicom.dcmread(tmp_path / "a.dcm")], LABELS[0])
    assert np.array_equal(read_mask(path, info), LABELS[0])


def test_overlapping_segments_are_refused_with_their_number(stack):
    info, save = stack
    masks = np.stack([LABELS == 1, LABELS == 2], axis=-1).astype(np.uint8)
    masks[0, 0, :2, 1] = 1
    seg = DicomSeg(save(masks), info)
    assert set(np.unique(seg[2])) == {0, 2}  # other frames are as good as before
    with pytest.raises(UsageError, match=r"overlap in frame 0 \(object 2 covers 2 pixels of others\); expected one"):
        seg[0]


def test_the_segmentation_of_another_recording_is_refused(stack):
    info, save = stack
    path = save(LABELS)
    other = replace(info, sources=tuple(source._replace(instance="9." + source.instance) for source in info.sources))
    with pytest.raises(UsageError, match=r"seg\.dcm is a segmentation of another recording: none of its frames refers"):
        read_mask(path, other)


def test_a_reference_to_all_frames_at_once_says_nothing(stack):
    info, save = stack
    path = save(LABELS)
    whole = tuple(
        source._replace(instance=info.sources[0].instance, number=n + 1) for n, source in enumerate(info.sources)
    )
    with pytest.raises(UsageError, match="none of its frames refers to a frame of"):
        DicomSeg(path, replace(info, sources=whole))


def test_a_recording_that_is_no_dicom_has_no_segmentation(stack):
    info, save = stack
    with pytest.raises(
        UsageError, match=r"seg\.dcm belongs to a DICOM recording, but a\.mp4 is none; give its mask as"
    ):
        DicomSeg(save(LABELS), replace(info, path="a.mp4", kind="movie", sources=()))


def test_dicom_that_is_no_segmentation_is_named(stack):
    info, _ = stack
    with pytest.raises(
        UsageError, match=r"0\.dcm is a DICOM file, but no segmentation \(its modality is MR\); expected"
    ):
        read_mask(info.sources[0].path, info)


def test_a_segmentation_of_another_size_is_refused(stack):
    info, save = stack
    with pytest.raises(UsageError, match=r"seg\.dcm is 7 x 3, but the video .* is 9 x 3 \(width x height\)"):
        read_mask(save(LABELS), replace(info, width=9))


@pytest.mark.parametrize("keyword", ["SegmentSequence", "Rows", "BitsAllocated"])
def test_a_segmentation_that_lacks_what_it_needs_gives_one_sentence(stack, keyword):
    info, save = stack
    path = change(save(LABELS), lambda file: delattr(file, keyword))
    with pytest.raises(UsageError, match=r"seg\.dcm cannot be (read as a DICOM segmentation|decoded); it is damaged"):
        read_mask(path, info)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_a_segment_that_is_not_described_gives_one_sentence(stack, kind):
    info, save = stack

    def forget(file):
        file.SegmentSequence = list(file.SegmentSequence)[:-1]

    with pytest.raises(UsageError, match=r"frame \d of .*seg\.dcm cannot be decoded; it is damaged"):
        read_mask(change(save(LABELS, kind=kind), forget), info, 2)


def test_a_cut_off_segmentation_gives_one_sentence(stack):
    info, save = stack
    path = save(LABELS)
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(UsageError, match=r"seg\.dcm cannot be (read|decoded)|of .*seg\.dcm cannot be decoded"):
        read_mask(path, info, 2)
