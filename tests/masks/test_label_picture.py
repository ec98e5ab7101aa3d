# SPDX-License-Identifier: Apache-2.0
"""What pictures store, whatever they look like."""

from __future__ import annotations

import struct

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from monai_i2v.errors import UsageError
from monai_i2v.masks.mask_files import read_mask
from monai_i2v.masks.truth import Truth
from monai_i2v.media.open_video import open_video
from monai_i2v.media.video import VideoInfo

INFO = VideoInfo("cine.mp4", "movie", length=3, height=4, width=6)
LABELS = np.zeros((4, 6), np.uint8)
LABELS[0, 5], LABELS[3, 0], LABELS[1, 2] = 1, 2, 7


def write_tiff(path, labels, photometric, bits):
    """An uncompressed TIFF of one strip, of which 0 is white (photometric 0) or black (1)."""
    height, width = labels.shape
    packed = np.packbits(labels > 0, axis=1) if bits == 1 else labels.astype(f"<u{bits // 8}")
    data = packed.tobytes()
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1), (278, height)]
    tags.append((279, len(data)))
    data += b"\0" * (len(data) % 2)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    path.write_bytes(
        struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + b"\0" * 4
    )
    return path


@pytest.mark.parametrize("bits", [1, 8, 16])
@pytest.mark.parametrize("photometric", [0, 1])
def test_a_tiff_keeps_its_numbers_whether_0_is_white_or_black(tmp_path, photometric, bits):
    path = write_tiff(tmp_path / "a.tif", LABELS, photometric, bits)
    assert np.array_equal(read_mask(path, INFO), LABELS > 0 if bits == 1 else LABELS)


@pytest.mark.parametrize("value", [1.00002, 0.99998])
def test_labels_that_a_scaled_file_stores_as_fractions_are_whole(tmp_path, value):
    nib.Nifti1Image((LABELS * np.float32(value)).T, None).to_filename(tmp_path / "a.nii")
    labels = read_mask(tmp_path / "a.nii", INFO)
    assert labels.dtype == np.int32
    assert np.array_equal(labels, LABELS)


def test_real_fractions_are_refused_in_truth_too(tmp_path):
    Image.new("L", (6, 4)).save(tmp_path / "frame.png")
    nib.Nifti1Image((LABELS * np.float32(0.5)).T, None).to_filename(tmp_path / "half.nii")
    nib.Nifti1Image((LABELS * np.float32(0.99998)).T, None).to_filename(tmp_path / "near.nii")
    video = open_video(tmp_path / "frame.png")
    assert np.array_equal(Truth(tmp_path / "near.nii", video)[0], LABELS)
    with pytest.raises(UsageError, match=r"half\.nii has the value 0\.5; expected whole numbers"):
        Truth(tmp_path / "half.nii", video)[0]


@pytest.mark.parametrize("transparency", [0, b"\0\xff\x80"])
def test_a_palette_with_transparency_gives_its_indices(tmp_path, transparency):
    image = Image.fromarray(LABELS)
    image.putpalette(list(range(24)))
    image.save(tmp_path / "a.png", transparency=transparency)
    assert np.array_equal(read_mask(tmp_path / "a.png", INFO), LABELS)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("color", [0, 255])
def test_a_picture_of_one_color_is_the_mask_where_it_is_opaque(tmp_path, mode, color):
    pixels = np.full((4, 6, len(mode)), color, np.uint8)
    pixels[..., -1] = 255 * (LABELS > 0)
    Image.fromarray(pixels, mode).save(tmp_path / "a.png")
    assert np.array_equal(read_mask(tmp_path / "a.png", INFO), 255 * (LABELS > 0))


def test_a_picture_of_few_colors_is_refused_as_they_have_no_order(tmp_path):
    colors = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)
    Image.fromarray(colors[np.minimum(LABELS, 2)]).save(tmp_path / "a.png")
    with pytest.raises(UsageError, match=r"a\.png stores colors, so its labels cannot be told; expected an indexed"):
        read_mask(tmp_path / "a.png", INFO)


@pytest.mark.parametrize(("suffix", "kind"), [(".png", None), (".tif", None), (".tif", "tiff_lzw")])
@pytest.mark.parametrize(
    ("orientation", "turns", "mirrored"), [(6, 1, False), (3, 2, False), (8, 3, False), (2, 0, True)]
)
def test_a_mask_that_is_to_be_shown_turned_is_turned(tmp_path, suffix, kind, orientation, turns, mirrored):
    stored = np.rot90(LABELS, turns)
    stored = stored[:, ::-1] if mirrored else stored
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / f"a{suffix}", exif=exif, compression=kind)
    assert np.array_equal(read_mask(tmp_path / f"a{suffix}", INFO), LABELS)


def test_an_animated_png_holds_one_mask_per_frame(tmp_path):
    pages = [Image.fromarray(LABELS * (index + 1)) for index in range(3)]
    pages[0].save(tmp_path / "a.png", save_all=True, append_images=pages[1:])
    for frame in range(3):
        assert np.array_equal(read_mask(tmp_path / "a.png", INFO, frame), LABELS * (frame + 1))


def test_an_animated_gif_is_refused_as_it_renumbers_labels(tmp_path):
    Image.fromarray(LABELS).save(tmp_path / "a.gif")
    with pytest.raises(UsageError, match=r"has the suffix '\.gif'; expected one of .*, which keep labels unchanged"):
        read_mask(tmp_path / "a.gif", INFO)
