# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from PIL import Image

from monai_i2v.errors import UsageError
from monai_i2v.masks.mask_files import read_mask
from monai_i2v.media.video import VideoInfo

INFO = VideoInfo("cine.mp4", "movie", length=3, height=4, width=6)
LABELS = np.zeros((4, 6), np.uint8)
LABELS[0, 5], LABELS[3, 0], LABELS[1, 2] = 1, 2, 7
SERIES = np.stack([LABELS, 2 * LABELS, 3 * LABELS])  # (T, H, W)


def save_indexed(path, labels):
    image = Image.fromarray(labels)
    image.putpalette(np.random.default_rng(0).integers(0, 255, 768).astype(np.uint8).tobytes())
    image.save(path)


def write_mask(path, labels=LABELS):
    """Write (H, W) or (T, H, W) as what the suffix says."""
    if path.suffix in (".png", ".tif", ".bmp"):
        Image.fromarray(labels).save(path)
    elif ".nii" in path.name:
        nib.Nifti1Image(labels.T, np.eye(4)).to_filename(path)  # (x, y[, t])
    else:
        sitk.WriteImage(sitk.GetImageFromArray(labels), str(path))
    return path


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.nii", "a.nii.gz", "a.mha", "a.mhd", "a.nrrd"])
def test_values_are_kept_in_every_format(tmp_path, name):
    labels = read_mask(write_mask(tmp_path / name), INFO)
    assert labels.dtype == np.int32
    assert np.array_equal(labels, LABELS)


def test_indexed_png_gives_indices_not_colors(tmp_path):
    save_indexed(tmp_path / "a.png", LABELS)
    assert np.array_equal(read_mask(tmp_path / "a.png", INFO), LABELS)


def test_16_bit_labels_are_kept(tmp_path):
    path = write_mask(tmp_path / "a.png", LABELS.astype(np.uint16) * 1000)
    assert read_mask(path, INFO)[1, 2] == 7000
    path = write_mask(tmp_path / "a.nii", LABELS.astype(np.uint32) * 10000)
    assert read_mask(path, INFO)[1, 2] == 70000


def test_black_and_white_png_is_label_1(tmp_path):
    Image.fromarray(LABELS > 0).save(tmp_path / "a.png")
    assert np.array_equal(read_mask(tmp_path / "a.png", INFO), LABELS > 0)


@pytest.mark.parametrize("channels", [3, 4])
def test_gray_mask_saved_as_rgb_is_gray(tmp_path, channels):
    write_mask(tmp_path / "a.png", np.stack(3 * [LABELS] + (channels - 3) * [LABELS + 99], -1))
    assert np.array_equal(read_mask(tmp_path / "a.png", INFO), LABELS)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.mha", "a.nrrd"])
@pytest.mark.parametrize("ref_frame", [0, 2])
def test_the_reference_frame_is_taken_from_a_series(tmp_path, name, ref_frame):
    path = write_mask(tmp_path / name, SERIES)
    assert np.array_equal(read_mask(path, INFO, ref_frame), SERIES[ref_frame])


def test_a_single_mask_is_that_of_the_reference_frame(tmp_path):
    assert read_mask(write_mask(tmp_path / "a.nii", SERIES[1:2]), INFO, ref_frame=2)[1, 2] == 14


def test_a_folder_or_a_tiff_holds_one_mask_per_frame(tmp_path):
    (tmp_path / "masks").mkdir()
    for index, labels in enumerate(SERIES):
        save_indexed(tmp_path / "masks" / f"{index}.png", labels)
    pages = [Image.fromarray(labels) for labels in SERIES]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    for path in (tmp_path / "masks", tmp_path / "a.tif"):
        assert np.array_equal(read_mask(path, INFO, 1), SERIES[1])


def test_whole_numbers_may_be_stored_as_float(tmp_path):
    assert np.array_equal(read_mask(write_mask(tmp_path / "a.nii", LABELS.astype(np.float32)), INFO), LABELS)


NOISE = np.random.default_rng(0).permutation(np.arange(4 * 60).astype(np.uint8)).reshape(4, 60)
BAD_MASKS = {
    "wide.png": (
        np.ones((4, 8), np.uint8),
        r"is 8 x 4, but the video cine\.mp4 is 6 x 4 \(width x height\); expected",
    ),
    "turned.nii": (LABELS.T, r"is 4 x 6, but the video cine\.mp4 is 6 x 4"),
    "none.png": (0 * LABELS, r"none\.png is empty \(all 0\); expected at least one object; draw one"),
    "half.nii": (
        0.5 * LABELS,
        r"half\.nii has the value 0\.5; expected whole numbers, 0 for background; save it",
    ),
    "nan.nii": (np.where(LABELS == 7, np.nan, 1.0), r"nan\.nii has the value nan; expected whole numbers"),
    "minus.nii": (
        LABELS.astype(np.int16) - 1,
        r"minus\.nii has the value -1; expected 0 to 2147483647; renumber",
    ),
    "large.nii": (LABELS * 1e10, r"large\.nii has the value 7e\+10; expected 0 to 2147483647"),
    "long.nii": (
        np.repeat(SERIES, 3, axis=0),
        r"has 9 frames, but the video cine\.mp4 has 3; expected 1 or 3; cut out",
    ),
    "short.nii": (SERIES[:2], r"has 2 frames, but the video cine\.mp4 has 3; expected 1 or 3"),
    "color.png": (
        np.stack([LABELS, 0 * LABELS, 0 * LABELS], -1),
        r"color\.png stores colors, so its labels cannot be told; expected an indexed or a gray PNG",
    ),
    "photo.jpg": (
        LABELS,
        r"photo\.jpg has the suffix '\.jpg'; expected one of \.png, .*, which keep labels unchanged",
    ),
}


@pytest.mark.parametrize("name", BAD_MASKS)
def test_bad_mask_gives_one_sentence(tmp_path, name):
    labels, sentence = BAD_MASKS[name]
    if name.endswith(".jpg"):
        Image.fromarray(labels).save(tmp_path / name)
    else:
        write_mask(tmp_path / name, labels)
    with pytest.raises(UsageError, match=sentence) as caught:
        read_mask(tmp_path / name, INFO)
    assert "\n" not in str(caught.value)


def test_photo_has_too_many_labels(tmp_path):
    info = VideoInfo("cine.mp4", "movie", length=3, height=4, width=60)
    with pytest.raises(
        UsageError,
        match=r"has 239 labels; expected at most 64; it is probably a photo or was saved as JPEG: save",
    ):
        read_mask(write_mask(tmp_path / "a.png", NOISE), info)


def test_empty_frame_of_a_series_is_named(tmp_path):
    path = write_mask(tmp_path / "a.nii", SERIES * np.array([1, 0, 1], np.uint8)[:, None, None])
    with pytest.raises(UsageError, match=r"a\.nii is empty \(all 0\) in frame 1; .* set ref_frame to a frame that has"):
        read_mask(path, INFO, ref_frame=1)


@pytest.mark.parametrize("ref_frame", [-1, 3])
def test_ref_frame_out_of_range(tmp_path, ref_frame):
    with pytest.raises(
        UsageError,
        match=rf"^ref_frame is {ref_frame}, but the video has 3 frames \(0 to 2\); choose one of these\.$",
    ):
        read_mask(write_mask(tmp_path / "a.png"), INFO, ref_frame)


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(UsageError, match=r"a\.png does not exist; expected a file"):
        read_mask(tmp_path / "a.png", INFO)
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(UsageError, match=r"the mask .*a\.png cannot be read; it is damaged, cut off, or not what its"):
        read_mask(tmp_path / "a.png", INFO)


def test_folder_without_masks_or_with_several_sizes(tmp_path):
    with pytest.raises(UsageError, match="holds no pictures; expected one per frame"):
        read_mask(tmp_path, INFO)
    write_mask(tmp_path / "a.png")
    write_mask(tmp_path / "b.png", LABELS.T)
    with pytest.raises(UsageError, match="have 2 different sizes; expected pictures of one size"):
        read_mask(tmp_path, INFO)


def test_volume_of_colors_is_no_mask(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4, 6, 3), np.uint8), isVector=True), str(tmp_path / "a.mha"))
    with pytest.raises(UsageError, match=r"a\.mha stores colors; expected one label per voxel"):
        read_mask(tmp_path / "a.mha", INFO)
