# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from monai_i2v.errors import UsageError
from monai_i2v.media.frame_folder import FrameFolder, find_pictures
from monai_i2v.media.picture import find_pages
from monai_i2v.media.video import FrameError

WIDE = np.arange(24).reshape(4, 6)  # value = 6 * row + column


def open_folder(folder):
    return FrameFolder(folder, find_pictures(folder))


def save(path, pixels, mode=None):
    image = Image.fromarray(np.asarray(pixels))
    (image.convert(mode) if mode else image).save(path)


def test_frames_are_in_natural_order(tmp_path):
    for number in (1, 2, 10, 9):
        save(tmp_path / f"frame_{number}.png", np.full((4, 6), number, np.uint8))
    (tmp_path / "._frame_3.png").write_bytes(b"what macOS leaves behind")
    (tmp_path / "notes.txt").write_text("no picture")
    video = open_folder(tmp_path)
    assert (video.info.kind, video.info.length, video.info.height, video.info.width) == ("frames", 4, 4, 6)
    assert [int(video.read(index)[3, 5, 0]) for index in range(4)] == [1, 2, 9, 10]
    assert video.window == (0, 255)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_is_not_saturated(tmp_path, suffix):
    for number in range(2):
        save(tmp_path / f"{number}.{suffix}", (100 * WIDE + 1000 * number).astype(np.uint16))
    video = open_folder(tmp_path)
    assert video.window == (23.5, 3276.5)  # without half a percent of 48 values at each end
    assert video.read(1)[3, 5, 0] == 3300
    assert video[1][0, 3, 5] == 1
    assert video[1][2, 0, 0] == pytest.approx((1000 - 23.5) / (3276.5 - 23.5))


@pytest.mark.parametrize("name", ["a.bmp", "a.png", "a.tif"])
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("L", [23]),
        ("P", [23, 33, 43]),
        ("RGB", [23, 33, 43]),
        ("RGBA", [23, 33, 43]),
        ("LA", [23]),
        ("1", [255]),
    ],
)
def test_modes(tmp_path, name, mode, expected):
    if mode in ("RGBA", "LA") and name == "a.bmp":
        return
    color = np.stack([WIDE, WIDE + 10, WIDE + 20], -1).astype(np.uint8)
    image = Image.fromarray(color if len(expected) == 3 else color[..., 0])
    if mode == "1":
        image = Image.fromarray(WIDE > 20)
    elif mode == "P":
        image = image.quantize(24)
    else:
        image = image.convert(mode)
    image.save(tmp_path / name)
    frame = FrameFolder(tmp_path, find_pages(tmp_path / name)).read(0)
    assert frame.shape == (4, 6, len(expected))
    assert frame[3, 5].tolist() == pytest.approx(expected, abs=1 if mode == "P" else 0)


def test_palette_with_transparency_loses_it_without_a_warning(tmp_path):
    image = Image.fromarray(np.zeros((4, 6), np.uint8))
    image.putpalette([9, 8, 7] + 765 * [0])
    image.save(tmp_path / "a.png", transparency=b"\x00\x80")
    assert open_folder(tmp_path).read(0)[0, 0].tolist() == [9, 8, 7]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "tif", "tiff", "png"])
def test_pictures_are_turned_as_a_viewer_shows_them(tmp_path, suffix, orientation):
    upright = np.zeros((16, 24), np.uint8)
    upright[:8, :8] = 200  # at the top left
    upright[:8, 8:16] = 100
    undo = {  # EXIF 2.32, section 4.6.4: what is done to the stored picture, undone
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.T,
        6: lambda a: np.rot90(a),
        7: lambda a: a[::-1, ::-1].T,
        8: lambda a: np.rot90(a, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    how = {"tiffinfo": {274: orientation}} if suffix.startswith("tif") else {"exif": exif}
    how = {**how, "compression": "tiff_lzw"} if suffix == "tiff" else how
    how = {**how, "quality": 100} if suffix == "jpg" else how
    for name in "ab":
        Image.fromarray(np.ascontiguousarray(undo[orientation](upright))).save(tmp_path / f"{name}.{suffix}", **how)
    video = open_folder(tmp_path)
    assert (video.info.height, video.info.width) == (16, 24)
    assert np.abs(video.read(1)[..., 0].astype(int) - upright).max() < 20
    assert video.pictures[0].layout() == (16, 24, 1)


def test_exif_behind_the_pixels_of_a_png_counts(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((16, 24), np.uint8)).save(tmp_path / "a.png", exif=exif)
    content = (tmp_path / "a.png").read_bytes()
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4], "big")
    last = content.index(b"IEND") - 4
    (tmp_path / "a.png").write_bytes(content[:start] + content[end:last] + content[start:end] + content[last:])
    video = open_folder(tmp_path)
    assert (video.info.height, video.info.width) == (24, 16)
    assert video.read(0).shape == (24, 16, 1)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_tiff_whose_zero_is_white_is_shown_right(tmp_path, dtype):
    stored = np.arange(24).reshape(4, 6).astype(dtype)  # what is 0 is white
    Image.fromarray(stored).save(tmp_path / "a.tif", tiffinfo={262: 0})
    frame = open_folder(tmp_path)[0][0]
    assert frame[0, 0] == 1  # white
    assert frame[0, 0] > frame[0, 5] > frame[3, 5]


def test_previews_in_a_tiff_are_no_frames(tmp_path):
    pages = [Image.fromarray(np.full((4, 6), 10 * number, np.uint8)) for number in range(3)]
    pages[1] = Image.fromarray(np.full((2, 3), 99, np.uint8))
    pages[1].encoderinfo = {"tiffinfo": {254: 1}}
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    video = open_folder(tmp_path)
    assert [int(video.read(index)[0, 0, 0]) for index in range(len(video))] == [0, 20]


@pytest.mark.parametrize("name", ["a.gif", "a.png"])
def test_all_frames_of_an_animated_picture_in_a_folder(tmp_path, name):
    pages = [Image.fromarray(np.full((4, 6), 10 * number, np.uint8)) for number in range(12)]
    pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
    Image.new("L", (6, 4), color=200).save(tmp_path / "b.png")
    video = open_folder(tmp_path)
    assert [int(video.read(index)[0, 0, 0]) for index in range(13)] == [*range(0, 120, 10), 200]


@pytest.mark.parametrize(("mode", "suffix"), [("CMYK", "jpg"), ("CMYK", "tif"), ("YCbCr", "jpg"), ("1", "tif")])
def test_other_color_models_look_right(tmp_path, mode, suffix):
    gray = Image.fromarray(np.full((16, 24), 255, np.uint8))
    gray.paste(0, (0, 0, 8, 8))
    gray.convert("RGB").convert(mode).save(tmp_path / f"a.{suffix}")
    frame = open_folder(tmp_path).read(0)
    assert (frame[:6, :6] < 10).all()
    assert (frame[10:, 12:] > 245).all()


def test_float_frames_keep_their_values(tmp_path):
    save(tmp_path / "a.tif", (WIDE / 10).astype(np.float32))
    video = open_folder(tmp_path)
    assert video.read(0)[3, 5, 0] == pytest.approx(2.3)
    assert video[0][0, 3, 5] == 1


def test_gray_frames_become_rgb_when_one_is_in_color(tmp_path):
    save(tmp_path / "0.png", WIDE.astype(np.uint8))
    save(tmp_path / "1.png", np.zeros((4, 6, 3), np.uint8))
    video = open_folder(tmp_path)
    assert video.read(0)[3, 5].tolist() == [23, 23, 23]
    assert video.read(1).shape == (4, 6, 3)


def test_pages_of_a_tiff_are_frames(tmp_path):
    pages = [Image.fromarray(np.full((4, 6), 10 * number, np.uint8)) for number in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    video = FrameFolder(tmp_path / "a.tif", find_pages(tmp_path / "a.tif"))
    assert [int(video.read(index)[0, 0, 0]) for index in (2, 0, 1)] == [20, 0, 10]


def test_damaged_picture_is_one_bad_frame(tmp_path):
    for number in range(3):
        save(tmp_path / f"{number}.png", np.random.default_rng(0).integers(0, 255, (40, 60)).astype(np.uint8))
    content = (tmp_path / "1.png").read_bytes()
    for kept in (0, 10, len(content) // 2):
        (tmp_path / "1.png").write_bytes(content[:kept])
        video = open_folder(tmp_path)
        assert len(video) == 3
        assert video.read(2).shape == (40, 60, 1)
        with pytest.raises(FrameError, match=r"frame 1 \(.*1\.png\) cannot be decoded; expected an undamaged picture"):
            video.read(1)


def test_damaged_tiff_is_one_bad_frame(tmp_path):
    save(tmp_path / "a.tif", WIDE.astype(np.uint8))
    (tmp_path / "b.tif").write_bytes(b"no picture")
    video = open_folder(tmp_path)
    assert len(video) == 2
    with pytest.raises(FrameError, match="frame 1"):
        video.read(1)


def test_different_sizes(tmp_path):
    save(tmp_path / "a.png", np.zeros((4, 6), np.uint8))
    save(tmp_path / "b.png", np.zeros((5, 8), np.uint8))
    with pytest.raises(
        UsageError,
        match=r"has frames of different sizes: a\.png is 6 x 4 and b\.png is 8 x 5 \(width x height\); exp",
    ):
        open_folder(tmp_path)


def test_no_readable_picture(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(UsageError, match="holds no picture that can be read; expected PNG, JPG, TIF, BMP or GIF files"):
        open_folder(tmp_path)
    save(tmp_path / "a.png", np.random.default_rng(0).integers(0, 255, (40, 60)).astype(np.uint8))
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:100])
    with pytest.raises(UsageError, match="holds no frame that can be decoded; expected at least one"):
        open_folder(tmp_path)
