# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from monai_i2v.phantoms.shapes import MovingOutline, Outline
from monai_i2v.phantoms.ultrasound import UltrasoundLook, sector

SIZE = (128, 128)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.astype(float).ravel(), b.astype(float).ravel())[0, 1])


def test_sector_fills_the_picture() -> None:
    half_angle, depth = sector((256, 256))
    assert depth == pytest.approx(0.94)
    assert depth * np.sin(half_angle) == pytest.approx(0.485)  # half the width, less a margin
    assert sector((256, 512))[0] == pytest.approx(0.75)  # radians, 43 degrees at most
    assert sector((256, 64))[1] < 0.4  # a narrow picture holds a shallow sector


def test_outside_the_sector_is_black() -> None:
    look = UltrasoundLook(SIZE, outlines=[], length=5, seed=0)
    gray = look.draw(0)[..., 0]
    assert not gray[~look.visible(0)].any()
    assert gray[look.visible(0)].mean() > 20
    assert gray[:20, :20].max() == 0


def test_depth_attenuates() -> None:
    gray = np.mean([UltrasoundLook(SIZE, outlines=[], length=1, seed=s).draw(0)[..., 0] for s in range(3)], axis=0)
    assert gray[25:45, 56:72].mean() > 1.2 * gray[95:115, 56:72].mean()


def test_speckle_stays_with_still_tissue_and_decorrelates_a_little() -> None:
    look = UltrasoundLook(SIZE, outlines=[], length=5, seed=0)
    patch = (slice(60, 110), slice(45, 85))
    assert 0.6 < correlation(look.draw(0)[patch], look.draw(1)[patch]) < 0.98
    other = UltrasoundLook(SIZE, outlines=[], length=5, seed=1)
    assert abs(correlation(look.draw(0)[patch], other.draw(0)[patch])) < 0.3


def test_speckle_moves_with_the_tissue() -> None:
    shift = 8  # px
    chamber = MovingOutline(Outline((-0.05, 0.6), (0.06, 0.06), ripple=0.0), 25.0, exit=(shift / SIZE[0], 0.0))
    look = UltrasoundLook(SIZE, outlines=[chamber], length=11, seed=0)
    before, after = look.draw(0)[..., 0], look.draw(5)[..., 0]
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    distance = np.hypot(columns + 0.5 - 64 + 0.05 * 128, rows + 0.5 - 0.6 * 128) / 128
    muscle = (distance > 0.07) & (distance < 0.11)  # around the chamber of radius 0.06, before it moved
    assert correlation(before[muscle], np.roll(after, -shift, axis=1)[muscle]) > 0.7
    assert correlation(before[muscle], after[muscle]) < 0.4
