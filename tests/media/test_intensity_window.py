# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from monai_i2v.media.intensity_window import find_window, sample_frames
from monai_i2v.media.video import FrameError, Video, VideoInfo


class Counter(Video):
    """Frame i is i; frame 0 is damaged."""

    def __init__(self, length):
        super().__init__(VideoInfo("counter", "frames", length, 1, 1))

    def read(self, index):
        if index == 0:
            raise FrameError("damaged")
        return np.full((1, 1, 1), index)


def test_sample_is_spread_evenly_and_leaves_damaged_frames_out():
    assert [int(frame[0, 0, 0]) for frame in sample_frames(Counter(71))] == [10, 20, 30, 40, 50, 60, 70]
    assert [int(frame[0, 0, 0]) for frame in sample_frames(Counter(3))] == [1, 2]


def test_window_is_nearly_the_range_of_the_finite_values():
    frames = [np.array([np.nan, *np.arange(500.0)]), np.arange(500, 1001)]
    assert find_window(frames) == (5, 995)


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_a_few_white_pixels_do_not_darken_the_rest(kind):
    frame = np.tile(np.arange(1000, dtype=kind), 10)
    frame[:9] = 65535
    assert find_window([frame]) == pytest.approx((5, 995), abs=1)


@pytest.mark.parametrize("padding", [-32768, -2000, 20000])
def test_padding_at_either_end_does_not_count(padding):
    frame = np.concatenate([np.tile(np.arange(-1000, 1000), 9), np.full(9000, padding)])
    assert find_window([frame]) == pytest.approx((-990, 989), abs=1)


def test_a_black_background_that_belongs_to_the_picture_counts():
    assert find_window([np.concatenate([np.zeros(500), np.arange(500.0)])])[0] == 0


def test_a_small_object_on_a_constant_background_is_seen():
    frame = np.full(10000, 100, np.uint16)
    frame[7:9] = 4095
    assert find_window([frame]) == (100, 4095)
    assert find_window([np.repeat([0, 60000], 500)]) == (0, 60000)  # a mask has no padding


def test_window_of_8_bit_is_the_whole_range():
    assert find_window([np.array([3, 4], np.uint8)]) == (0, 255)


def test_window_is_never_empty():
    assert find_window([np.full(9, 7.0)]) == (7, 8)
    assert find_window([np.full(9, np.nan)]) == (0, 1)
