# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from monai_i2v.metrics.bootstrap import paired_bootstrap


def test_constant_gain_has_no_spread() -> None:
    result = paired_bootstrap([0.75, 0.5, 1.0], [0.5, 0.25, 0.75])
    assert result == (0.25, 0.25, 0.25)


def test_interval_is_that_of_the_normal_law_for_many_videos() -> None:
    rng = np.random.default_rng(0)
    b = rng.uniform(size=400)
    a = b + rng.normal(0.05, 0.1, size=400)
    result = paired_bootstrap(a, b, resamples=4000)
    error = 1.96 * (a - b).std() / 20
    assert result.mean == pytest.approx((a - b).mean())
    assert result.low == pytest.approx(result.mean - error, abs=0.1 * error)
    assert result.high == pytest.approx(result.mean + error, abs=0.1 * error)


def test_two_videos_give_their_own_differences_as_limits() -> None:
    result = paired_bootstrap([0.3, 0.5], [0.2, 0.2])  # means 0.1, 0.2, 0.3 with chances 1/4, 1/2, 1/4
    assert result == pytest.approx((0.2, 0.1, 0.3))


def test_same_seed_same_interval() -> None:
    a, b = [0.8, 0.9, 0.5, 0.7], [0.7, 0.7, 0.6, 0.6]
    assert paired_bootstrap(a, b, seed=1) == paired_bootstrap(a, b, seed=1)
    assert paired_bootstrap(b, a).mean == pytest.approx(-paired_bootstrap(a, b).mean)


def test_errors_tell_what_to_do() -> None:
    with pytest.raises(ValueError, match="two or more videos, got 2 and 3"):
        paired_bootstrap([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="got 1 and 1"):
        paired_bootstrap([1], [1])
    with pytest.raises(ValueError, match=r"video 1 has nan and 0\.2"):
        paired_bootstrap([0.1, float("nan")], [0.1, 0.2])
