# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from monai_i2v.phantoms.endoscope import EndoscopeLook, rim
from monai_i2v.phantoms.shapes import MovingOutline, Outline

SIZE = (96, 128)


def test_view_is_round_and_dims_outward() -> None:
    look = EndoscopeLook(SIZE, outlines=[], length=5, seed=0)
    picture = look.draw(0).astype(float).mean(axis=-1)
    assert picture[:10, :10].max() == 0
    assert look.visible(0).sum() == pytest.approx(np.pi * (rim(SIZE) * 96) ** 2, rel=0.02)
    center = look.radius < 0.15
    edge = (look.radius > 0.40) & (look.radius < 0.47)
    assert picture[center].mean() > 1.3 * picture[edge].mean()


def test_mucosa_is_pink() -> None:
    look = EndoscopeLook(SIZE, outlines=[], length=5, seed=0)
    red, green, blue = look.draw(0)[look.visible(0)].mean(axis=0)
    assert red > 1.4 * green
    assert green > 1.05 * blue


def test_second_object_is_dark() -> None:
    thing = MovingOutline(Outline((0.0, 0.0), (0.15, 0.15), ripple=0.0), 25.0)
    elsewhere = MovingOutline(Outline((9.0, 9.0), (0.1, 0.1)), 25.0)
    for outlines, dark in (([thing], False), ([elsewhere, thing], True)):
        look = EndoscopeLook(SIZE, outlines=outlines, length=5, seed=0)
        inside = np.hypot(*thing.at(0, 5).local(*look.points(0))) < 0.8
        assert (look.draw(0)[inside].mean() < 30) == dark


def test_camera_moves_the_objects_in_the_picture() -> None:
    thing = MovingOutline(Outline((0.0, 0.0), (0.1, 0.1), ripple=0.0), 25.0)
    look = EndoscopeLook(SIZE, outlines=[thing], length=20, seed=0)
    centers = [
        np.argwhere(np.hypot(*thing.at(index, 20).local(*look.points(index))) < 1).mean(axis=0) for index in (0, 12)
    ]
    assert 2 < np.hypot(*(centers[1] - centers[0])) < 20  # px


def test_pan_shows_another_part_of_the_wall() -> None:
    look, still = (EndoscopeLook(SIZE, outlines=[], length=11, seed=0, pan=pan) for pan in ((0.5, 0.0), (0.0, 0.0)))
    assert np.allclose(look.points(5)[0] - still.points(5)[0], 0.5, atol=1e-6)
    assert np.array_equal(look.draw(0), still.draw(0))
