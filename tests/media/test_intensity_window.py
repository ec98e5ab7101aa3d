# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np

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


def test_window_is_the_range_of_the_finite_values():
    frames = [np.array([np.nan, 3.0]), np.array([-7, 5])]
    assert find_window(frames) == (-7, 5)
    assert find_window([np.arange(101.0)], (10, 90)) == (10, 90)


def test_window_of_8_bit_is_the_whole_range():
    assert find_window([np.array([3, 4], np.uint8)]) == (0, 255)


def test_window_is_never_empty():
    assert find_window([np.full(9, 7.0)]) == (7, 8)
    assert find_window([np.full(9, np.nan)]) == (0, 1)
