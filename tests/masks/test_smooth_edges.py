# SPDX-License-Identifier: Apache-2.0
"""Smooth edges are told from real thin objects."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from monai_i2v.errors import UsageError
from monai_i2v.masks.mask_files import read_mask
from monai_i2v.masks.smooth_edges import find_rims
from monai_i2v.media.video import VideoInfo

SIZE = (64, 80)
INFO = VideoInfo("cine.mp4", "movie", 1, *SIZE)
ROWS, COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]]


def disc(radius, row=30, column=40):
    return np.hypot(ROWS - row, COLUMNS - column) < radius


def smooth_disc(levels):
    """A disc of radius 14 with so many steps from 0 to 1 at its edge, in [0, 1]."""
    share = np.clip(14.5 - np.hypot(ROWS - 30, COLUMNS - 40.3), 0, 1)
    return np.round(share * levels) / levels


@pytest.mark.parametrize("levels", [2, 3, 5, 40])
def test_a_white_disc_with_a_smooth_edge_is_refused(tmp_path, levels):
    Image.fromarray((255 * smooth_disc(levels)).astype(np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(
        UsageError, match=r"a\.png has smooth edges: .* form thin rims around 255, and would be objects"
    ):
        read_mask(tmp_path / "a.png", INFO)


def test_the_smooth_opacity_of_a_brush_is_refused(tmp_path):
    pixels = np.zeros((*SIZE, 4), np.uint8)
    pixels[..., 3] = 255 * smooth_disc(5)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with pytest.raises(UsageError, match="form thin rims around 255"):
        read_mask(tmp_path / "a.png", INFO)


@pytest.mark.parametrize("color", [(255, 0, 0), (40, 200, 90)])
def test_an_indexed_smooth_edge_is_told_by_its_mixed_colors(tmp_path, color):
    indices = np.round(5 * smooth_disc(5)).astype(np.uint8)
    image = Image.fromarray(np.where(indices, 20 - indices, 0).astype(np.uint8))  # 15 is full, 16 to 19 are steps
    palette = np.zeros((256, 3), int)
    palette[15:20] = np.outer([1, 0.8, 0.6, 0.4, 0.2], color)
    image.putpalette(palette.ravel().tolist())
    image.save(tmp_path / "a.png")
    with pytest.raises(UsageError, match=r"smooth edges: 16, 17, 18, 19 form thin rims around 15, and would be"):
        read_mask(tmp_path / "a.png", INFO)


def test_a_blurred_gray_mask_is_refused(tmp_path):
    image = Image.fromarray(np.where(disc(14), 60, 0).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8))
    image.save(tmp_path / "a.png")
    with pytest.raises(UsageError, match="thin rims around 60"):
        read_mask(tmp_path / "a.png", INFO)


REAL = {
    "a wall of one pixel around a lumen": np.select([disc(12), disc(13)], [2, 1]),
    "two thin layers around a core": np.select([disc(12), disc(13), disc(14)], [3, 2, 1]),
    "lines of one pixel across an object": np.where(ROWS % 9 == 0, 1 + ROWS // 9 % 4, np.where(disc(14), 6, 0)),
    "small dots beside a large object": np.where((ROWS % 7 == 0) & (COLUMNS % 7 == 0), 1 + ROWS // 7, 40 * disc(9)),
    "a scratch beside what is to be ignored": np.where(disc(13), 1, np.where(disc(15), 255, 0)),
    "a needle that enters white": np.where((ROWS == 30) & (COLUMNS > 20), 100, np.where(disc(14), 255, 0)),
    "thick rings": np.select([disc(5), disc(10), disc(15), disc(20)], [4, 3, 2, 1]),
}


@pytest.mark.parametrize("name", REAL)
def test_real_thin_objects_pass(tmp_path, name):
    labels = REAL[name].astype(np.uint8)
    Image.fromarray(labels).save(tmp_path / "a.png")
    assert np.array_equal(read_mask(tmp_path / "a.png", INFO), labels)


def test_thin_layers_in_colors_of_their_own_pass():
    palette = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]])
    layers = np.select([disc(12), disc(13), disc(14), disc(15)], [4, 3, 2, 1])
    assert find_rims(layers, palette) == {}
