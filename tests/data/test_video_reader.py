# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import torch
from monai.data import DataLoader, Dataset, NibabelReader, PydicomReader
from monai.transforms import LoadImage, LoadImaged
from PIL import Image
from pydicom.examples import get_path
from pydicom.pixels import pixel_array

from monai_i2v.data.video_reader import VideoReader
from monai_i2v.errors import UsageError

PIXELS = np.arange(6 * 4 * 3).reshape(6, 4, 3).astype(np.int16)  # (x, y, t): value = 12 x + 3 y + t
AFFINE = np.array([[0, -0.4, 0, 5], [0.5, 0, 0, 6], [0, 0, 0.04, 7], [0, 0, 0, 1.0]])  # turned by 90 degrees


def load(path, **kwargs):
    return LoadImage(reader=VideoReader(**kwargs), ensure_channel_first=True)(path)


def test_real_cine_is_read_right_where_monai_scrambles_it():
    path = get_path("ybr_color")
    expected = torch.from_numpy(pixel_array(path)).permute(3, 2, 1, 0)  # (T, Y, X, C) to (C, X, Y, T)
    ours = load(path)
    assert ours.shape == (3, 320, 240, 30)
    assert torch.equal(ours.as_tensor(), expected.float())
    assert ours.pixdim.tolist() == pytest.approx([1, 1, 0.033333])

    reader = PydicomReader()
    with pytest.warns(UserWarning, match="tags are missing, so the affine"):
        scrambled, _ = reader.get_data(reader.read(path))
    assert scrambled.shape == (240, 30, 320, 3)  # rows and frames are taken for x and y


def test_meta_data_tells_nothing_about_the_patient(tmp_path, write_dicom):
    meta = load(write_dicom(tmp_path / "a.dcm", np.zeros((3, 4, 6), np.uint8), FrameTime=40, CineRate=25)).meta
    assert "Secret" not in str(meta)
    assert meta["frame_time"] == 0.04
    assert np.isnan(meta["spacing"]).all()


@pytest.mark.parametrize("pixels", [PIXELS, PIXELS.astype(np.float32) / 7])
def test_scalar_nifti_equals_that_of_monai(tmp_path, pixels):
    nib.Nifti1Image(pixels, AFFINE).to_filename(tmp_path / "a.nii.gz")
    ours = load(tmp_path / "a.nii.gz")
    monais = LoadImage(reader=NibabelReader(), ensure_channel_first=True)(tmp_path / "a.nii.gz")
    assert ours.shape == monais.shape == (1, 6, 4, 3)
    assert torch.equal(ours.as_tensor(), monais.as_tensor())
    assert torch.equal(ours.affine, monais.affine)
    assert ours.dtype == monais.dtype
    for key in ("spatial_shape", "space", "original_affine", "original_channel_dim"):
        assert np.array_equal(ours.meta[key], monais.meta[key], equal_nan=key == "original_channel_dim")


@pytest.mark.parametrize("shape", [(6, 4, 1, 3), (6, 4, 3, 1)])
def test_single_axes_are_dropped(tmp_path, shape):
    nib.Nifti1Image(PIXELS.reshape(shape), np.eye(4)).to_filename(tmp_path / "a.nii")
    assert torch.equal(load(tmp_path / "a.nii").as_tensor(), torch.from_numpy(PIXELS)[None].float())


@pytest.mark.parametrize("suffix", [".mhd", ".mha", ".nrrd", ".nii.gz"])
def test_color_volumes_have_channels_first(tmp_path, suffix):
    pixels = np.stack([PIXELS.T, PIXELS.T + 50, PIXELS.T + 100], -1).astype(np.uint8)
    image = sitk.GetImageFromArray(pixels, isVector=True)
    image.SetSpacing([0.5, 0.4, 0.04])
    sitk.WriteImage(image, str(tmp_path / f"a{suffix}"))
    loaded = load(tmp_path / f"a{suffix}")
    assert loaded.shape == (3, 6, 4, 3)
    assert loaded[:, 5, 1, 2].tolist() == [65, 115, 165]
    assert np.allclose(np.diag(loaded.affine), [-0.5, -0.4, 0.04, 1])  # LPS to RAS
    assert loaded.meta["spacing"].tolist() == pytest.approx([0.4, 0.5])


def test_movie(tmp_path, write_movie):
    loaded = load(write_movie(tmp_path / "a.mkv"))
    assert loaded.shape == (3, 48, 32, 20)
    assert loaded[1, 40, 20].tolist() == [8 * i for i in range(20)]
    assert (loaded[:, :8, :8] == 255).all()
    assert loaded.affine.diagonal().tolist() == pytest.approx([1, 1, 0.04, 1])


def test_frames_and_label_pictures(tmp_path):
    labels = np.zeros((4, 6), np.uint8)
    labels[0, 5] = 7
    image = Image.fromarray(labels)
    image.putpalette([0, 0, 0] + 255 * [9, 8, 200])
    for index in range(2):
        image.save(tmp_path / f"{index}.png")
    assert load(tmp_path)[:, 5, 0, 1].tolist() == [9, 8, 200]
    for path in (tmp_path, tmp_path / "*.png"):
        loaded = load(path, labels=True)
        assert loaded.shape == (1, 6, 4, 2)
        assert loaded[0, 5, 0].tolist() == [7, 7]
    assert load(tmp_path / "0.png", labels=True).shape == (1, 6, 4, 1)


def test_16_bit_frames_are_raw(tmp_path):
    Image.fromarray(np.full((4, 6), 40000, np.uint16)).save(tmp_path / "a.tif", compression="tiff_lzw")
    assert load(tmp_path / "a.tif").max() == 40000


def test_reader_by_name_and_collated_in_a_loader(tmp_path, write_movie):
    path = write_movie(tmp_path / "a.mkv")
    transform = LoadImaged("video", reader="monai_i2v.data.video_reader.VideoReader", ensure_channel_first=True)
    batch = next(iter(DataLoader(Dataset([{"video": str(path)}] * 2, transform), batch_size=2)))
    assert batch["video"].shape == (2, 3, 48, 32, 20)
    assert math.isclose(batch["video"].meta["frame_time"][1], 0.04)


def test_suffixes(tmp_path):
    reader = VideoReader()
    assert reader.verify_suffix(["a.MP4", "b.nii.gz"])
    assert reader.verify_suffix(tmp_path)
    assert not reader.verify_suffix("a.txt")


def test_sentences_come_through_monai(tmp_path):
    with pytest.raises(UsageError, match=r"a\.mp4 does not exist"):
        load(tmp_path / "a.mp4")
    with pytest.raises(UsageError, match="one video has 2 paths; expected 1; load one after the other"):
        VideoReader().read(["a.mp4", "b.mp4"])
