# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pickle

import numpy as np
import pytest

from monai_i2v.phantoms.phantom import LOOKS, Phantom

SMALL = (96, 96)


@pytest.mark.parametrize("look", LOOKS)
def test_frame_depends_on_seed_and_index_only(look: str) -> None:
    one, other = Phantom(look, size=SMALL, seed=3), Phantom(look, size=SMALL, seed=3)
    backward = {index: other.read(index) for index in (7, 2)}
    assert np.array_equal(one.read(2), backward[2])
    assert np.array_equal(one.read(7), backward[7])
    assert not np.array_equal(one.read(2), Phantom(look, size=SMALL, seed=4).read(2))


@pytest.mark.parametrize("look", LOOKS)
def test_length_costs_no_memory(look: str) -> None:
    short, long = (len(pickle.dumps(Phantom(look, size=(32, 32), length=n))) for n in (2, 2000))
    assert abs(long - short) < 100  # bytes


@pytest.mark.parametrize(("look", "channels"), [("ultrasound", 1), ("endoscope", 3)])
@pytest.mark.parametrize("size", [(16, 16), (33, 47), (60, 31)])
def test_any_size_shows_all_objects(look: str, channels: int, size: tuple[int, int]) -> None:
    video = Phantom(look, size=size, objects=3)
    assert video.read(0).shape == (*size, channels)
    assert video.read(0).dtype == video.label_map(0).dtype == np.uint8
    assert set(np.unique(video.label_map(0))) == {0, 1, 2, 3}
    assert video[0].shape == (3, *size)


@pytest.mark.parametrize("look", LOOKS)
def test_first_frame_shows_every_object_unoccluded(look: str) -> None:
    for seed in range(4):
        video = Phantom(look, size=SMALL, objects=3, seed=seed, occlusion=True, leaves=True)
        areas = np.bincount(video.label_map(0).ravel(), minlength=4)[1:]
        assert (areas > 60).all(), (seed, areas)  # px of 96 x 96
        assert np.array_equal(video.label_map(0), Phantom(look, size=SMALL, objects=3, seed=seed).label_map(0))


def test_ventricle_squeezes_to_about_60_percent_of_its_area_and_opens_again() -> None:
    video = Phantom("ultrasound", size=(256, 256), period=20, length=21)
    relaxed, squeezed, again = (np.count_nonzero(video.label_map(index) == 1) for index in (0, 7, 20))
    # (1 - 0.26) * (0.35 + 0.65 * 0.74), of which the slow drift of the shape changes a few percent
    assert squeezed / relaxed == pytest.approx(0.615, abs=0.03)
    assert again / relaxed == pytest.approx(1.0, abs=0.05)


def test_chamber_is_dark_and_its_wall_bright() -> None:
    video = Phantom("ultrasound", size=(128, 128))
    gray, inside = video.read(0)[..., 0].astype(float), video.label_map(0) == 1
    grown = inside.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        grown |= np.roll(inside, 3 * step, axis)
    assert gray[inside].mean() < 0.35 * gray[grown & ~inside].mean()


@pytest.mark.parametrize("look", LOOKS)
def test_object_one_leaves_and_returns(look: str) -> None:
    video = Phantom(look, size=SMALL, length=41, leaves=True)
    areas = [np.count_nonzero(video.label_map(index) == 1) for index in (0, 16, 20, 24, 40)]
    assert areas[1:4] == [0, 0, 0]
    assert areas[0] > 100
    assert areas[4] > 100


def test_instrument_takes_its_pixels_out_of_the_mask() -> None:
    free = Phantom("endoscope", size=SMALL, length=31)
    covered = Phantom("endoscope", size=SMALL, length=31, occlusion=True)
    metal = np.abs(covered.read(15).astype(int) - free.read(15)).max(axis=-1) > 60
    before, after = free.label_map(15) == 1, covered.label_map(15) == 1
    assert 0 < np.count_nonzero(after) < 0.8 * np.count_nonzero(before)
    assert not (after & ~before).any()
    assert metal[before & ~after].mean() > 0.8


def test_shadow_darkens_but_stays_in_the_mask() -> None:
    free = Phantom("ultrasound", size=SMALL, length=31)
    shaded = Phantom("ultrasound", size=SMALL, length=31, occlusion=True)
    assert np.array_equal(free.label_map(16), shaded.label_map(16))
    assert shaded.read(16).mean() < 0.9 * free.read(16).mean()


def test_ultrasound_knows_its_spacing_and_endoscope_does_not() -> None:
    info = Phantom("ultrasound", size=(256, 256)).info
    assert info.spacing == pytest.approx((150 / 0.94 / 256,) * 2)
    assert info.frame_time == pytest.approx(1 / 30)
    assert info.kind == "phantom"
    assert Phantom("endoscope").info.spacing is None


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"look": "xray"}, "look must be one of ultrasound, endoscope, got 'xray'"),
        ({"length": 0}, "length must be 1 frame or more, got 0"),
        ({"size": (15, 64)}, r"size must be at least \(16, 16\) px, got \(15, 64\)"),
        ({"objects": 4}, "objects must be 1 to 3, got 4"),
        ({"period": 0}, "period must be more than 0 frames, got 0"),
    ],
)
def test_error_says_what_was_expected(arguments: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Phantom(**arguments)
