# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from monai_i2v.media.video import VideoInfo
from monai_i2v.report import Measurements, volume_change

WIDTHS = (4, 6, 8, 5, 2, 3, 7)  # px, of a chamber 10 px long: the volume goes with the square of its width


def measured(notes: dict[int, str] | None = None, widths: tuple[int, ...] = WIDTHS, **known: object) -> Measurements:
    measurements = Measurements([5], VideoInfo("a", "movie", len(widths), 10, 9, **known), chambers=[5])
    for index, width in enumerate(widths):
        label_map = np.zeros((10, 9), dtype=np.uint8)
        label_map[:, :width] = 5
        measurements.add(index, label_map, note=(notes or {}).get(index, ""))
    return measurements


def test_largest_smallest_and_their_frames() -> None:
    change = volume_change(measured(frame_time=0.1).rows)
    assert (change.largest.frame, change.smallest.frame) == (2, 4)
    assert (change.largest.time_s, change.smallest.time_s) == (0.2, 0.4)
    assert change.largest.volume_px3 == pytest.approx(np.pi / 4 * 8**2 * 10)
    assert change.share == pytest.approx(1 - 2**2 / 8**2)


def test_the_share_does_not_depend_on_the_unit() -> None:
    change = volume_change(measured(spacing=(0.5, 0.5)).rows)
    assert change.largest.volume_ml == pytest.approx(np.pi / 4 * 4**2 * 5 / 1000)
    assert change.largest.volume_px3 is None
    assert change.share == pytest.approx(1 - 2**2 / 8**2)


def test_doubtful_and_unreadable_frames_do_not_count_but_the_reference_does() -> None:
    change = volume_change(measured({2: "doubtful: object 5", 4: "unreadable: cut off", 6: "reference"}).rows)
    assert (change.largest.frame, change.smallest.frame) == (6, 5)


def test_frames_without_the_chamber_do_not_count() -> None:
    assert volume_change(measured(widths=(4, 0, 2)).rows).smallest.frame == 2


def test_the_first_of_equals_is_told_whatever_came_first() -> None:
    rows = measured(widths=(3, 8, 3, 8)).rows[::-1]
    change = volume_change(rows)
    assert (change.largest.frame, change.smallest.frame) == (1, 0)


def test_no_frame_that_counts_is_no_change() -> None:
    assert volume_change(measured(dict.fromkeys(range(len(WIDTHS)), "doubtful: object 5")).rows) is None
    assert volume_change(measured(widths=(0, 0)).rows) is None
    assert volume_change([]) is None
