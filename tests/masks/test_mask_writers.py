# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
import resource

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from PIL import Image
from pydicom.examples import get_path

from monai_i2v.errors import UsageError
from monai_i2v.masks.mask_files import read_mask
from monai_i2v.masks.mask_writers import open_mask_writer
from monai_i2v.media.open_video import open_video

SHAPE = (4, 6)  # (H, W)


def labels_with(value):
    labels = np.zeros(SHAPE, np.int32)
    labels[0, 5] = value
    return labels


def write_frames(folder, names=("f9", "f10")):
    folder.mkdir()
    for name in names:
        Image.fromarray(np.zeros(SHAPE, np.uint8)).save(folder / f"{name}.png")
    return open_video(folder)


def write_nifti(path):
    nib.Nifti1Image(np.zeros((6, 4, 3), np.int16), np.diag([-0.5, 0.4, 0.04, 1])).to_filename(path)
    return open_video(path)


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_movie_gives_indexed_pngs_and_unwritten_frames_are_empty(tmp_path, out, write_movie):
    video = open_video(write_movie(tmp_path / "a.mkv"))
    labels = np.zeros((32, 48), np.uint8)
    labels[0, 47] = 7
    with open_mask_writer(out, video) as writer:
        writer.write(3, labels)
        assert names(out) == ["masks/00003.png"]  # at once
    assert names(out) == [f"masks/{index:05d}.png" for index in range(20)]
    image = Image.open(out / "masks" / "00003.png")
    assert image.mode == "P"
    assert np.array_equal(np.array(image), labels)
    assert not np.array(Image.open(out / "masks" / "00000.png")).any()
    assert np.array_equal(read_mask(out / "masks", video.info, 3), labels)


def test_frames_give_pngs_with_their_names(tmp_path, out):
    with open_mask_writer(out, write_frames(tmp_path / "frames")) as writer:
        writer.write(0, labels_with(1))
        writer.write(1, labels_with(2))
    assert names(out) == ["masks/f10.png", "masks/f9.png"]
    assert np.array(Image.open(out / "masks" / "f10.png"))[0, 5] == 2


def test_frames_of_one_name_are_numbered(tmp_path, out):
    pages = [Image.fromarray(np.zeros(SHAPE, np.uint8)) for _ in range(2)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with open_mask_writer(out, open_video(tmp_path / "a.tif")):
        pass
    assert names(out) == ["masks/00000.png", "masks/00001.png"]


def test_colors_are_those_of_the_overlays(tmp_path, out):
    with open_mask_writer(out, write_frames(tmp_path / "frames"), labels=[2, 9]) as writer:
        writer.write(0, labels_with(9))
    color = Image.open(out / "masks" / "f9.png").convert("RGB").getpixel((5, 0))
    assert color == (240, 228, 66)  # the second object


def test_labels_above_255_give_16_bit_pngs_from_there_on(tmp_path, out):
    with open_mask_writer(out, write_frames(tmp_path / "frames")) as writer:
        writer.write(0, labels_with(300))
        writer.write(1, labels_with(5))
    for name, value in (("f9", 300), ("f10", 5)):
        image = Image.open(out / "masks" / f"{name}.png")
        assert image.mode == "I;16"
        assert np.array(image)[0, 5] == value


def test_labels_above_65535_do_not_fit_a_png(tmp_path, out):
    writer = open_mask_writer(out, write_frames(tmp_path / "frames"))
    with pytest.raises(
        UsageError,
        match=r"label 70000 does not fit a PNG; expected at most 65535; renumber .* NIfTI, whose masks",
    ):
        writer.write(0, labels_with(70000))


@pytest.mark.parametrize(("value", "dtype"), [(1, "u1"), (255, "u1"), (256, "u2"), (70000, "u4")])
def test_nifti_gives_nifti_in_the_smallest_type(tmp_path, out, value, dtype):
    with open_mask_writer(out, write_nifti(tmp_path / "a.nii")) as writer:
        writer.write(0, labels_with(1))
        writer.write(2, labels_with(value))
    assert names(out) == ["masks.nii.gz"]
    masks = nib.load(out / "masks.nii.gz")
    assert masks.get_data_dtype() == np.dtype(dtype)
    assert masks.shape == (6, 4, 3)
    assert np.array_equal(masks.affine, np.diag([-0.5, 0.4, 0.04, 1]).astype(np.float32))
    pixels = np.asanyarray(masks.dataobj)
    assert (pixels[5, 0, 0], pixels[5, 0, 1], pixels[5, 0, 2]) == (1, 0, value)
    assert pixels.sum() == 1 + value


@pytest.mark.parametrize("suffix", [".mhd", ".mha", ".nrrd"])
def test_itk_formats_give_themselves(tmp_path, out, suffix):
    image = sitk.GetImageFromArray(np.zeros((3, *SHAPE), np.int16))
    image.SetSpacing([0.5, 0.4, 0.04])
    image.SetOrigin([1, 2, 3])
    sitk.WriteImage(image, str(tmp_path / f"a{suffix}"))
    with open_mask_writer(out, open_video(tmp_path / f"a{suffix}")) as writer:
        writer.write(1, labels_with(7))
    masks = sitk.ReadImage(str(out / f"masks{suffix}"))
    assert (masks.GetSpacing(), masks.GetOrigin()) == (image.GetSpacing(), image.GetOrigin())
    assert masks[5, 0, 1] == 7


def test_dicom_gives_pngs_a_segmentation_and_nifti_with_spacing_and_frame_time(tmp_path, out, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((3, *SHAPE), np.uint8), FrameTime=40, PixelSpacing=[0.5, 0.4])
    video = open_video(path)
    with open_mask_writer(out, video) as writer:
        writer.write(1, labels_with(7))
    pngs = ["masks/00000.png", "masks/00001.png", "masks/00002.png"]
    assert names(out) == ["masks.dcm", "masks.nii.gz", *pngs]
    assert np.array_equal(read_mask(out / "masks.dcm", video.info, 1), labels_with(7))
    masks = nib.load(out / "masks.nii.gz")
    assert masks.header.get_zooms() == pytest.approx((0.4, 0.5, 0.04))  # (x, y, time)
    assert masks.header.get_xyzt_units() == ("mm", "sec")
    assert np.asanyarray(masks.dataobj)[5, 0, 1] == 7
    assert np.array(Image.open(out / "masks" / "00001.png"))[0, 5] == 7


@pytest.mark.parametrize("anonymize", [True, False])
def test_the_patient_and_the_names_of_frames_are_left_out_when_asked_for(tmp_path, out, write_dicom, anonymize):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((3, *SHAPE), np.uint8))
    with open_mask_writer(out, open_video(path), [7], anonymize=anonymize):
        pass
    assert (b"Secret" in (out / "masks.dcm").read_bytes()) is not anonymize
    (out / "frames").mkdir()
    with open_mask_writer(out / "frames", write_frames(tmp_path / "frames"), anonymize=anonymize):
        pass
    assert names(out / "frames")[0] == ("masks/00000.png" if anonymize else "masks/f10.png")


def test_dicom_without_uids_gives_no_segmentation(tmp_path, out, write_dicom, caplog):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((1, *SHAPE), np.uint8), StudyInstanceUID="")
    with open_mask_writer(out, open_video(path), [7]):
        pass
    assert names(out) == ["masks.nii.gz", "masks/00000.png"]
    assert "lack UIDs, so that no segmentation can refer to them" in caplog.text


def test_dicom_without_spacing_gives_nifti_without_its_unit(out):
    with open_mask_writer(out, open_video(get_path("rgb_color"))):
        pass
    masks = nib.load(out / "masks.nii.gz")
    assert masks.shape == (320, 240, 1)
    assert masks.header.get_xyzt_units() == ("unknown", "unknown")


def test_nothing_is_completed_after_an_error(tmp_path, out):
    with pytest.raises(KeyError), open_mask_writer(out, write_nifti(tmp_path / "a.nii")):
        raise KeyError
    assert names(out) == []


@pytest.mark.parametrize(
    ("index", "labels"),
    [
        (2, labels_with(1)),
        (-1, labels_with(1)),
        (0, np.zeros((6, 4), int)),
        (0, -labels_with(1)),
        (0, np.ones(SHAPE)),
    ],
)
def test_wrong_calls(tmp_path, out, index, labels):
    writer = open_mask_writer(out, write_frames(tmp_path / "frames"))
    with pytest.raises(
        ValueError, match=r"index and shape must fit a video of 2 frames of 4 x 6|must be integers from 0"
    ):
        writer.write(index, labels)


def test_folder_that_does_not_exist(tmp_path):
    sentence = r"masks cannot be written to .*missing \(No such file or directory\); expected a folder"
    with pytest.raises(UsageError, match=sentence):
        open_mask_writer(tmp_path / "missing", write_frames(tmp_path / "frames")).write(0, labels_with(1))
    with pytest.raises(UsageError, match=sentence):
        open_mask_writer(tmp_path / "missing", write_nifti(tmp_path / "a.nii")).close()


def test_full_disk_on_png(tmp_path, out, monkeypatch):
    def save(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = open_mask_writer(out, write_frames(tmp_path / "frames"))
    monkeypatch.setattr(Image.Image, "save", save)
    with pytest.raises(UsageError, match=r"cannot be written to .* \(No space left on device\); .* free some space"):
        writer.write(0, labels_with(1))


@pytest.mark.parametrize("suffix", [".nii", ".mha", ".nrrd"])
def test_full_disk_on_volumes(tmp_path, out, suffix, capfd):
    """A limit on the size of files stands in for a full disk."""
    noise = np.random.default_rng(0).integers(0, 255, (9, 40, 60)).astype(np.uint8)
    path = tmp_path / f"a{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(noise), str(path))
    writer = open_mask_writer(out, open_video(path))
    for index in range(9):
        writer.write(index, noise[index])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limits[1]))
    try:
        with pytest.raises(UsageError, match=r"cannot be written to .* \((File too large|SimpleITK cannot write it)\)"):
            writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".nhdr"])
@pytest.mark.parametrize("value", [3, 300, 70000])
def test_volumes_are_written_frame_by_frame_and_read_by_others(tmp_path, out, suffix, value):
    source = sitk.GetImageFromArray(np.zeros((5, *SHAPE), np.int16))
    source.SetSpacing([0.5, 0.4, 0.04])
    sitk.WriteImage(source, str(tmp_path / f"a{suffix}"))
    expected = np.zeros((5, *SHAPE), np.int32)
    with open_mask_writer(out, open_video(tmp_path / f"a{suffix}")) as writer:
        for index in (4, 1, 1):
            expected[index] = labels_with(value if index == 4 else 2)
            writer.write(index, expected[index])
    masks = sitk.ReadImage(str(out / f"masks{'.nii.gz' if 'nii' in suffix else suffix}"))
    assert np.array_equal(sitk.GetArrayFromImage(masks), expected)
    assert masks.GetSpacing() == pytest.approx(source.GetSpacing())
