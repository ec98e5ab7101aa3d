# SPDX-License-Identifier: Apache-2.0
"""Zipped files with one wrong byte are refused, wherever it is; libraries would read wrong labels from them."""

import gzip

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from PIL import Image

from monai_i2v.errors import UsageError
from monai_i2v.masks.mask_files import read_mask
from monai_i2v.media import FrameError, open_video
from monai_i2v.media.video import VideoInfo

SIZE = (40, 60)
INFO = VideoInfo("cine.mp4", "movie", 3, *SIZE)


def draw():
    labels = np.zeros(SIZE, np.uint8)
    labels[np.random.default_rng(0).random(SIZE) > 0.7] = 3
    return labels


def write(path):
    if path.suffix == ".png":
        Image.fromarray(draw()).save(path)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(nib.Nifti1Image(draw().T[..., None], np.eye(4)).to_bytes()))
    else:
        sitk.WriteImage(sitk.GetImageFromArray(draw()[None]), path, useCompression=True)
    return path.with_suffix(".zraw") if path.suffix == ".mhd" else path


@pytest.mark.parametrize("name", ["mask.png", "mask.nii.gz", "mask.mha", "mask.mhd", "mask.nrrd"])
def test_no_wrong_byte_of_the_pixels_is_read_as_a_label(tmp_path, name):
    data = write(tmp_path / name)
    assert np.array_equal(read_mask(tmp_path / name, INFO), draw())
    good = data.read_bytes()
    places = np.linspace(len(good) // 2, len(good) - 13, 40).astype(int)  # between header and end
    for place in places:
        data.write_bytes(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])
        with pytest.raises(UsageError, match="is damaged, cut off"):
            read_mask(tmp_path / name, INFO)


@pytest.mark.parametrize("size", [b"CompressedDataSize = 10", b"CompressedDataSi?e = 999999"])
def test_compressed_data_of_unknown_length_are_refused(tmp_path, size):
    write(tmp_path / "mask.mha")
    lines = (tmp_path / "mask.mha").read_bytes().split(b"\n", 15)
    wrong = [size if line.startswith(b"CompressedDataSize") else line for line in lines]
    (tmp_path / "mask.mha").write_bytes(b"\n".join(wrong))
    with pytest.raises(UsageError, match=r"mask\.mha cannot be read as a volume"):
        read_mask(tmp_path / "mask.mha", INFO)


def test_a_damaged_frame_is_not_shown(tmp_path):
    (tmp_path / "frames").mkdir()
    for index in range(3):
        write(tmp_path / f"frames/{index}.png")
    good = (tmp_path / "frames/1.png").read_bytes()
    (tmp_path / "frames/1.png").write_bytes(good[:-40] + b"?" + good[-39:])
    with open_video(tmp_path / "frames") as video, pytest.raises(FrameError, match=r"frame 1 \(1\.png\)"):
        video[1]
