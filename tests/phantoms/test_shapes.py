# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from monai_i2v.phantoms.shapes import MovingOutline, Outline, away, sample, smooth_noise


def test_points_undo_local() -> None:
    outline = Outline(center=(0.1, 0.4), radii=(0.2, 0.1), angle=0.7, wobble=0.3, ripple=0.13)
    x, y = np.array([0.0, 0.3, 0.15]), np.array([0.5, 0.2, 0.41])
    back = outline.points(*outline.local(x, y))
    assert np.allclose(back, (x, y))


def test_ellipse_has_the_area_pi_a_b() -> None:
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, 400), np.linspace(-0.5, 0.5, 400))
    p, q = Outline(center=(0.0, 0.0), radii=(0.3, 0.2), angle=0.5, ripple=0.0).local(x, y)
    assert (np.hypot(p, q) < 1).mean() == pytest.approx(np.pi * 0.3 * 0.2, rel=0.01)


def test_beat_is_smallest_at_35_percent_of_the_period() -> None:
    moving = MovingOutline(Outline((0.0, 0.0), (0.2, 0.2)), period=20, beat=0.5)
    widths = [moving.at(index, 20).radii[0] for index in range(20)]
    assert widths[0] == pytest.approx(0.2)
    assert int(np.argmin(widths)) == 7
    assert widths[7] == pytest.approx(0.1)


def test_away_is_out_of_view_in_the_middle_only() -> None:
    assert [away(index, 11) for index in (0, 1, 4, 5, 6, 9, 10)] == [0, 0, 1, 1, 1, 0, 0]
    assert away(0, 1) == 0


def test_sample_interpolates_and_wraps() -> None:
    texture = np.array([[0.0, 1.0], [2.0, 3.0]], dtype=np.float32)
    x, y = np.array([0.5, 2.0, -0.5]), np.array([0.0, 1.0, 0.5])
    assert sample(texture, x, y).tolist() == [0.5, 2.0, 1.5]
    assert sample(texture[..., None], x, y).shape == (3, 1)


@pytest.mark.parametrize("band", [False, True])
def test_noise_is_standardized_and_coarser_with_grain(band: bool) -> None:
    fine, coarse = (smooth_noise(np.random.default_rng(0), 64, grain, band) for grain in (3, 12))
    assert fine.mean() == pytest.approx(0, abs=1e-6)
    assert fine.std() == pytest.approx(1, abs=1e-5)
    assert np.abs(np.diff(coarse)).mean() < 0.5 * np.abs(np.diff(fine)).mean()
