# SPDX-License-Identifier: Apache-2.0
"""Odd input that must work all the same: constant, not finite, deep, signed or partly damaged; and DICOM's secrets."""

import csv
import gzip
import io
import json
import os
import re

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, Sequence, dcmread
from pydicom.encaps import encapsulate
from pydicom.examples import get_path
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from monai_i2v.media import open_video
from monai_i2v.phantoms import Phantom

SECRETS = {"PatientName": "DOE^JANE", "PatientID": "MRN0012345", "PatientBirthDate": "19530411", "StudyID": "ST-98765"}
GRAY = Phantom(length=4, size=(64, 80), objects=2)
FRAMES = np.stack([GRAY.read(index)[..., 0] for index in range(4)])  # (T, H, W), uint8


def nifti(frames: np.ndarray):
    def make(folder):
        nib.save(nib.Nifti1Image(frames.transpose(2, 1, 0), np.eye(4)), folder / "recording.nii.gz")
        return folder / "recording.nii.gz"

    return make


def pictures(frames: np.ndarray):
    def make(folder):
        (folder / "recording").mkdir()
        for index, frame in enumerate(frames):
            Image.fromarray(frame).save(folder / f"recording/{index}.png")
        return folder / "recording"

    return make


def dicom(frames: np.ndarray | None, **elements):
    """Frames uncompressed, or the phantom in JPEG, of which the third frame is damaged."""

    def make(folder):
        file = dcmread(get_path("ybr_color"))
        if frames is None:
            jpegs = [to_jpeg(frame) for frame in FRAMES]
            file.set_pixel_data(FRAMES, "MONOCHROME2", 8, generate_instance_uid=False)
            file.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
            file.PixelData = encapsulate([*jpegs[:2], b"no JPEG!", jpegs[3]])
        else:
            file.set_pixel_data(frames, "MONOCHROME2", 8 * frames.itemsize, generate_instance_uid=False)
            file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        for keyword, value in elements.items():
            setattr(file, keyword, value)
        file.save_as(folder / "recording.dcm")
        return folder / "recording.dcm"

    return make


def to_jpeg(frame: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG")
    return file.getvalue()


def read_rows(results) -> list[dict[str, str]]:
    with (results / "measurements.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def read_masks(results) -> np.ndarray:
    if (results / "masks").is_dir():
        return np.stack([np.asarray(Image.open(path)) for path in sorted((results / "masks").iterdir())])
    return np.asarray(nib.load(results / "masks.nii.gz").dataobj).transpose(2, 1, 0)  # (T, H, W)


HOLES = np.where(FRAMES > 60, FRAMES, np.nan).astype(np.float32)
DEEP = FRAMES.astype(np.uint16) * 200
SIGNED = FRAMES.astype(np.int16) * 8 - 1000
ODD = {
    "black": pictures(np.zeros_like(FRAMES)),
    "white": pictures(np.full_like(FRAMES, 255)),
    "constant float": nifti(np.full(FRAMES.shape, -7.5, np.float32)),
    "some NaN": nifti(HOLES),
    "all NaN": nifti(np.full(FRAMES.shape, np.nan, np.float32)),
    "infinite": nifti(np.where(FRAMES > 60, np.inf, -FRAMES.astype(np.float32))),
    "16 bit": pictures(DEEP),
    "16 bit DICOM": dicom(DEEP),
    "signed NIfTI": nifti(SIGNED),
    "signed DICOM": dicom(SIGNED),
}


@pytest.mark.parametrize(
    ("name", "preset"),
    [(name, "memory_only") for name in ODD] + [(name, "anchored") for name in ("black", "all NaN", "infinite")],
)
def test_odd_intensities_give_results_without_nan(name, preset, run_bundle, recording):
    given = {"video": ODD[name](recording), "ref_mask": recording / "mask.png", "output_dir": recording / "out"}
    answer = run_bundle(**given, preset=preset, max_seconds=1)
    assert answer.status == 0, answer.stderr
    results = recording / "out/recording"
    masks = read_masks(results)
    assert np.array_equal(masks[0], np.asarray(Image.open(recording / "mask.png")))
    assert masks.shape == FRAMES.shape
    assert set(np.unique(masks)) <= {0, 1, 7}
    assert len(read_rows(results)) == 4 * 2
    texts = (results / "measurements.csv").read_text() + (results / "run.json").read_text()
    assert not re.search(r"\b(nan|inf)", texts, re.IGNORECASE)


@pytest.mark.parametrize("make", [pictures(DEEP), nifti(SIGNED), dicom(SIGNED)])
def test_deep_and_signed_intensities_are_seen_over_their_whole_range(make, tmp_path):
    with open_video(make(tmp_path)) as video:
        frames = np.stack([frame[0].numpy() for frame in video])
    assert np.corrcoef(frames.ravel(), FRAMES.ravel())[0, 1] > 0.95


def truncated_png(folder):
    os.truncate(folder / "frames/frame_2.png", 500)
    return folder / "frames"


@pytest.mark.parametrize("make", [truncated_png, dicom(None)])
def test_a_damaged_frame_keeps_the_masks_before_it_and_is_marked(make, run_bundle, recording):
    video = make(recording)
    answer = run_bundle(video=video, ref_mask=recording / "mask.png", output_dir=recording / "out")
    assert answer.status == 0, answer.stderr
    assert re.search(r"WARNING.* frame 2 .*cannot be decoded.* Its masks are those of a neighboring", answer.stdout)
    results = recording / "out" / video.stem
    masks = read_masks(results)
    assert np.array_equal(masks[2], masks[1])
    assert not np.array_equal(masks[1], masks[0])  # so that the line above says something
    marked = {int(row["frame"]) for row in read_rows(results) if row["note"].startswith("unreadable: frame 2 ")}
    assert marked == {2}
    unreadable = json.loads((results / "run.json").read_text())["unreadable_frames"]
    assert list(unreadable) == ["2"]
    assert str(recording) not in unreadable["2"]  # the names of folders are nobody's business


def written_by(run_bundle, recording, **overrides) -> dict[str, bytes]:
    """All that a run on a DICOM recording with secrets writes: by name of the file, and of the console."""
    given = {"ref_mask": recording / "mask.png", "output_dir": recording / "out"}
    video = dicom(None, **SECRETS)(recording)
    answer = run_bundle(
        video=video.rename(recording / "DOE.dcm"), **given, preset="anchored", max_seconds=1, **overrides
    )
    assert answer.status == 0, answer.stderr
    written = {path.name: path.read_bytes() for path in (recording / "out/DOE").rglob("*") if path.is_file()}
    shown = {"masks.nii.gz", "overlay.mp4", "contact_sheet.png", "areas.png", "report.html", "run.json", "masks.dcm"}
    assert shown <= set(written)
    written["masks.nii"] = gzip.decompress(written["masks.nii.gz"])
    written["report.html"] = re.sub(rb"base64,[^\"]*", b"", written["report.html"])  # pictures spell any three letters
    return {**written, "console": (answer.stdout + answer.stderr).replace("DOE.dcm", "").encode()}


def files_with(text: str, written: dict[str, bytes]) -> set[str]:
    return {name for name, content in written.items() if text.encode() in content}


def test_what_dicom_says_about_a_patient_stands_in_the_segmentation_alone(run_bundle, recording):
    written = written_by(run_bundle, recording)
    for text in (*SECRETS.values(), "JANE", str(dcmread(get_path("ybr_color")).SOPInstanceUID)):
        assert files_with(text, written) == {"masks.dcm"}, text
    assert files_with("DOE.dcm", written) == {"report.html", "run.json", "measurements.csv"}


def test_an_anonymous_run_tells_nothing_of_the_patient_and_names_no_file(run_bundle, recording):
    written = written_by(run_bundle, recording, anonymize="true")
    for text in (*SECRETS.values(), "JANE", "DOE.dcm", "mask.png"):
        assert files_with(text, {**written, "console": b""}) == set(), text
    assert files_with(str(dcmread(get_path("ybr_color")).SOPInstanceUID), written) == {"masks.dcm"}
    facts = json.loads(written["run.json"])
    assert facts["video"]["path"] == "video"
    assert facts["files"]["ref_mask"]["name"] is None
    assert facts["unreadable_frames"] == {"2": "frame 2 cannot be decoded."}


def test_the_segmentation_of_a_run_is_the_mask_of_the_next(run_bundle, recording):
    video = dicom(DEEP)(recording)
    given = {"video": video, "output_dir": recording / "out"}
    assert run_bundle(**given, ref_mask=recording / "mask.png").status == 0
    (recording / "out/recording/masks.dcm").rename(recording / "first.dcm")
    first = read_masks(recording / "out/recording")
    assert run_bundle(**given, ref_mask=recording / "first.dcm").status == 0
    assert np.array_equal(read_masks(recording / "out/recording"), first)


def ultrasound(region: tuple[int, int, int, int]) -> Sequence:
    """A calibrated region, (top, left, bottom, right) with the last pixels inside."""
    item = Dataset()
    item.RegionSpatialFormat, item.PhysicalUnitsXDirection, item.PhysicalUnitsYDirection = 1, 3, 3
    item.PhysicalDeltaX = item.PhysicalDeltaY = 0.05
    item.RegionLocationMinY0, item.RegionLocationMinX0, item.RegionLocationMaxY1, item.RegionLocationMaxX1 = region
    return Sequence([item])


def test_a_cropped_run_finds_nothing_outside_of_the_region(run_bundle, recording):
    drawn = np.zeros((64, 80), np.uint8)
    drawn[20:40, 20:40] = 7
    Image.fromarray(drawn).save(recording / "mask.png")
    video = dicom(DEEP, SequenceOfUltrasoundRegions=ultrasound((10, 10, 49, 59)))(recording)
    given = {"video": video, "ref_mask": recording / "mask.png", "output_dir": recording / "out"}
    assert run_bundle(**given, crop="true").status == 0
    masks = read_masks(recording / "out/recording")
    assert masks.shape == (4, 64, 80)
    masks[:, 10:50, 10:60] = 0
    assert not masks.any()
    facts = json.loads((recording / "out/recording/run.json").read_text())
    assert (facts["video"]["region"], facts["video"]["spacing"]) == ([10, 10, 50, 60], [0.5, 0.5])
