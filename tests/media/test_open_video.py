# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from pydicom.examples import get_path

from monai_i2v.errors import UsageError
from monai_i2v.media.open_video import VIDEO_SUFFIXES, open_video


@pytest.fixture
def media(tmp_path, write_movie, write_dicom) -> Path:
    """One recording of each kind, in which frame 2 is brighter than frame 1."""
    frames = np.stack([np.full((4, 6), 10 * number, np.uint8) for number in range(3)])  # (T, H, W)
    write_movie(tmp_path / "movie.MKV")
    shutil.copy(write_dicom(tmp_path / "cine.dcm", frames), tmp_path / "IM0001")
    nib.Nifti1Image(frames.T, np.eye(4)).to_filename(tmp_path / "volume.v2.nii.gz")
    for folder in ("frames", "series"):
        (tmp_path / folder).mkdir()
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / "frames" / f"f{9 + number}.png")
        write_dicom(tmp_path / "series" / f"i{number}", frame[None], InstanceNumber=number)
    Image.fromarray(frames[0]).save(tmp_path / "picture.bmp")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind", "length"),
    [
        ("movie.MKV", "movie", 20),
        ("cine.dcm", "dicom", 3),
        ("IM0001", "dicom", 3),
        ("series", "dicom", 3),
        ("volume.v2.nii.gz", "volume", 3),
        ("frames", "frames", 3),
        ("frames/f*.png", "frames", 3),
        ("picture.bmp", "frames", 1),
    ],
)
def test_every_kind_is_opened(media, name, kind, length):
    with open_video(str(media / name)) as video:
        assert (video.info.kind, len(video)) == (kind, length)
        assert video.info.path == str(media / name)
        levels = [float(frame[:, -1, -1].mean()) for frame in video]
        assert levels == sorted(levels)
        assert video[0].shape == (3, video.info.height, video.info.width)


def test_name_with_brackets_is_no_pattern_when_it_exists(media):
    (media / "frames").rename(media / "frames [1]")
    assert len(open_video(media / "frames [1]")) == 3


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing.mp4", r"missing\.mp4 does not exist; expected a file; check the name and the folder\."),
        (
            "empty.mp4",
            r"empty\.mp4 is empty \(0 bytes\); expected a recording or a mask; copy or export it again\.",
        ),
        (
            "notes.txt",
            r"notes\.txt has the suffix '\.txt'; expected one of \.mp4, .*\.nii\.gz, .*\.png, .*convert it",
        ),
        (
            "nothing",
            r"nothing is a folder without frames; expected pictures \(\.png, .*\) or DICOM files directly",
        ),
        ("frames/*.jpg", r"\*\.jpg fits no picture; expected some of \.png, .*; check the pattern\."),
        ("empty.nii.gz", r"empty\.nii\.gz is empty \(0 bytes\)"),
        ("bad.png", r"bad\.png holds no picture that can be read"),
        ("bad.avi", r"bad\.avi cannot be opened as a movie"),
        ("bad.dcm", r"bad\.dcm cannot be read as DICOM"),
        ("bad.nrrd", r"bad\.nrrd cannot be read as a volume"),
    ],
)
def test_bad_input_gives_one_sentence(media, name, sentence):
    (media / "nothing").mkdir()
    for suffix in ("mp4", "nii.gz"):
        (media / f"empty.{suffix}").touch()
    for file in ("notes.txt", "bad.png", "bad.avi", "bad.dcm", "bad.nrrd"):
        (media / file).write_text("This is a note, not a recording. " * 20)
    with pytest.raises(UsageError, match=sentence) as caught:
        open_video(media / name)
    assert "\n" not in str(caught.value)


def test_real_cine_is_opened_with_its_frame_time():
    with open_video(get_path("ybr_color")) as video:
        assert video.info.frame_time == pytest.approx(1 / 30, abs=1e-5)
        assert video[0].max() <= 1


def test_suffixes_are_listed_once():
    assert len(set(VIDEO_SUFFIXES)) == len(VIDEO_SUFFIXES)
