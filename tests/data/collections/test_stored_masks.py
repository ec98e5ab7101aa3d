# SPDX-License-Identifier: Apache-2.0
import sys

import nibabel
import numpy as np
import pytest
from PIL import Image
from planting import SIZE, plant, square
from scipy.io import savemat

from monai_i2v.data.collections.stored_masks import open_stored_picture, read_stored_masks
from monai_i2v.errors import UsageError

EXPECTED = square(1)


def read(path, binary=True):
    return list(read_stored_masks(path, binary))


@pytest.mark.parametrize(
    ("name", "value", "mode"),
    [
        ("gray.png", 255, None),
        ("low.png", 1, None),
        ("bit.png", 255, "1"),
        ("color.png", 255, "RGB"),
        ("index.png", 255, "P"),
        ("transparent.png", 255, "RGBA"),
        ("mask.gif", 255, None),
        ("mask.ppm", 255, "RGB"),
        ("mask.ppm.gz", 255, "RGB"),
        ("MASK.TIFF", 255, None),
    ],
)
def test_every_way_to_store_a_foreground_gives_ones(tmp_path, name, value, mode):
    (mask,) = read(plant(tmp_path / name, square(value), mode))
    np.testing.assert_array_equal(mask, EXPECTED)


def test_a_jpeg_is_foreground_above_middle_gray(tmp_path):
    noisy = square(255) + 9 * (square(255, left=9) > 0)
    (mask,) = read(plant(tmp_path / "mask.jpg", noisy.astype(np.uint8), quality=100))
    np.testing.assert_array_equal(mask, EXPECTED)
    (empty,) = read(plant(tmp_path / "empty.jpg", square(20)))
    assert not empty.any()


def test_soft_borders_belong_to_the_nearer_side(tmp_path):
    soft = square(200)
    soft[3] = np.where(soft[3], 90, 0)
    (mask,) = read(plant(tmp_path / "mask.png", soft))
    assert mask.sum() == 12


def test_several_small_labels_are_one_foreground(tmp_path):
    (mask,) = read(plant(tmp_path / "mask.png", np.maximum(square(1), square(3, left=9))))
    assert mask.sum() == 32


def test_labels_are_the_stored_numbers(tmp_path):
    indexed = Image.fromarray(square(2))
    indexed.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
    indexed.save(tmp_path / "mask.png")
    (mask,) = read(tmp_path / "mask.png", binary=False)
    np.testing.assert_array_equal(mask, square(2))


def test_a_series_of_asymmetric_frames_keeps_rows_and_columns(tmp_path):
    frames = np.stack([square(1), square(1, left=9)])  # (T, H, W)
    nibabel.Nifti1Image(frames.transpose(2, 1, 0), np.eye(4)).to_filename(tmp_path / "a_gt.nii.gz")
    savemat(tmp_path / "Mask_a.mat", {"predicted": frames})
    for name in ("a_gt.nii.gz", "Mask_a.mat"):
        np.testing.assert_array_equal(read(tmp_path / name), frames)


def test_damaged_files_are_named(tmp_path):
    for name in ("mask.png", "mask.ppm.gz", "mask.gif"):
        (tmp_path / name).write_bytes(b"\x1f\x8b\x08 no picture")
        with pytest.raises(UsageError, match=f"{name} cannot be read as a picture"):
            open_stored_picture(tmp_path / name)
    (tmp_path / "mask.mat").write_bytes(b"no MAT file" * 30)
    with pytest.raises(UsageError, match="cannot be read as a MAT file"):
        read(tmp_path / "mask.mat")
    savemat(tmp_path / "flat.mat", {"predicted": np.zeros(SIZE)})
    with pytest.raises(UsageError, match="holds 0 arrays of three axes"):
        read(tmp_path / "flat.mat")


def test_without_scipy_the_extra_is_named(tmp_path, monkeypatch):
    savemat(tmp_path / "mask.mat", {"predicted": np.zeros((2, *SIZE))})
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(UsageError, match=r"SciPy, which is not installed: pip install monai_i2v\[collections\]"):
        read(tmp_path / "mask.mat")
