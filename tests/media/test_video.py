# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from dataclasses import replace

import pytest

from monai_i2v.media.video import VideoInfo

INFO = VideoInfo("a", "movie", 3, 4, 6)


def test_times_are_those_of_the_frames_counted_from_the_first():
    info = replace(INFO, frame_time=7, frame_times=(5, 5.5, 8))
    assert [info.time_of(index) for index in range(3)] == [0, 0.5, 3]
    assert (info.frame_time, info.duration) == (1.5, 4.5)  # the mean, of which the last frame lasts one
    assert replace(info, path="b") == replace(info, path="b", frame_times=info.frame_times)


def test_evenly_spaced_frames_need_only_a_frame_time():
    info = replace(INFO, frame_time=0.5)
    assert ([info.time_of(index) for index in range(3)], info.duration) == ([0, 0.5, 1], 1.5)
    assert (INFO.time_of(2), INFO.duration) == (None, None)


@pytest.mark.parametrize("times", [(0, 1), (0, 2, 1), (0, 1, 1), (0, 1, math.nan), (0, 1, math.inf), (-math.inf, 0, 1)])
def test_times_that_cannot_be_are_as_if_they_were_not_there(times):
    info = replace(INFO, frame_time=0.5, frame_times=times)
    assert (info.frame_times, info.time_of(2)) == ((), 1)
