# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.examples import get_path
from pydicom.uid import SegmentationStorage

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


def frames_of(video):
    return [int(video.read(index)[-1, -1, 0]) for index in range(len(video))]


@pytest.mark.parametrize("way", ["as it is", "relative", "link outside", "link inside", "glob"])
def test_a_mask_among_the_frames_is_no_frame(media, way, monkeypatch):
    folder = media / "frames"
    mask = folder / "mask.png"
    Image.fromarray(np.ones((4, 6), np.uint8)).save(mask)
    assert len(open_video(folder)) == 4
    named = mask
    if way == "relative":
        monkeypatch.chdir(media)
        named = "frames/../frames/mask.png"
    elif way == "link outside":
        named = media / "link.png"
        named.symlink_to(mask)
    elif way == "link inside":
        named = mask.rename(media / "mask.png")
        mask.symlink_to(named)
    video = open_video(folder / "*.png" if way == "glob" else folder, leave_out=[str(named)])
    assert frames_of(video) == [0, 10, 20]


def test_a_folder_of_masks_only_has_no_frames(media):
    (media / "masks").mkdir()
    shutil.copy(media / "picture.bmp", media / "masks" / "mask.bmp")
    with pytest.raises(UsageError, match="is a folder without frames"):
        open_video(media / "masks", leave_out=[media / "masks" / "mask.bmp"])


def test_previews_beside_a_dicom_series_are_ignored(media, caplog):
    Image.new("RGB", (60, 40)).save(media / "series" / "preview.jpg")
    Image.new("RGB", (60, 40)).save(media / "series" / "mask.png")
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "i0.json", ".hidden.png"):
        (media / "series" / name).write_bytes(b"left behind")
    video = open_video(media / "series")
    assert (video.info.kind, frames_of(video)) == ("dicom", [0, 10, 20])
    assert [record.getMessage() for record in caplog.records] == [
        f"{media / 'series'} holds DICOM files; its 2 pictures (PNG, JPG ...) are ignored."
    ]


def test_a_dicom_file_without_pictures_does_not_hide_the_frames(media, write_dicom):
    path = write_dicom(media / "frames" / "report.dcm", np.zeros((1, 4, 6), np.uint8))
    report = dcmread(path)
    for keyword in ("PixelData", "Rows", "Columns", "PhotometricInterpretation"):
        delattr(report, keyword)
    report.save_as(path, enforce_file_format=True)
    assert frames_of(open_video(media / "frames")) == [0, 10, 20]


@pytest.mark.parametrize("is_named", [True, False])
def test_a_dicom_segmentation_beside_the_series_is_no_frame(media, write_dicom, is_named):
    masks = np.ones((3, 4, 6), np.uint8)
    path = write_dicom(media / "series" / "masks.dcm", masks, SOPClassUID=SegmentationStorage, SeriesInstanceUID="1.9")
    video = open_video(media / "series", leave_out=[path] if is_named else [])
    assert frames_of(video) == [0, 10, 20]


def test_several_series_in_a_folder_are_refused(media, write_dicom):
    write_dicom(media / "series" / "other", np.zeros((1, 4, 6), np.uint8), SeriesInstanceUID="1.9")
    Image.new("L", (6, 4)).save(media / "series" / "preview.png")
    with pytest.raises(UsageError, match="holds 2 DICOM series; expected one"):
        open_video(media / "series")


@pytest.mark.parametrize("name", ["a.gif", "a.png"])
def test_an_animated_picture_is_a_movie(tmp_path, name):
    pictures = [Image.fromarray(np.full((16, 24), 20 * number, np.uint8)) for number in range(12)]
    pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:], duration=100)
    video = open_video(tmp_path / name)
    assert (video.info.kind, frames_of(video)) == ("movie", list(range(0, 240, 20)))
    assert video.info.frame_time == pytest.approx(0.1)
    pictures[1].save(tmp_path / name)
    assert (open_video(tmp_path / name).info.kind, frames_of(open_video(tmp_path / name))) == ("frames", [20])


@pytest.mark.parametrize(
    ("name", "kind", "length"),
    [
        ("movie.MKV", "movie", 20),
        ("a.mp4", "movie", 20),
        ("a.avi", "movie", 20),
        ("a.ts", "movie", 20),
        ("a.m2ts", "movie", 20),
        ("a.vob", "movie", 20),
        ("a.gif", "movie", 3),
        ("a.tif", "frames", 3),
        ("frames/f9.png", "frames", 1),
        ("a.npy", "array", 3),
        ("a.npz", "array", 3),
    ],
)
def test_files_without_a_telling_name_are_known_by_their_content(media, write_movie, name, kind, length):
    for file, codec in (("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.ts", "libx264"), ("a.m2ts", "libx264")):
        write_movie(media / file, codec=codec, pixels="yuv420p")
    write_movie(media / "a.vob", codec="mpeg2video", pixels="yuv420p")
    frames = np.stack([np.full((4, 6), 10 * number, np.uint8) for number in range(3)])
    first, *others = map(Image.fromarray, frames)
    first.save(media / "a.gif", save_all=True, append_images=others)
    first.save(media / "a.tif", save_all=True, append_images=others)
    np.save(media / "a.npy", frames)
    np.savez(media / "a.npz", frames=frames)
    shutil.copy(media / name, media / "export.0001")
    with open_video(media / "export.0001") as video:
        assert (video.info.kind, len(video)) == (kind, length)
