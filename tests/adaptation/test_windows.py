# SPDX-License-Identifier: Apache-2.0
import torch

from monai_i2v.adaptation.windows import Window, make_windows, slide_windows
from monai_i2v.tracking import AnnotatedVideo


def video(length, ref_frame=0):
    return AnnotatedVideo([torch.zeros(1, 3, 16, 16)] * length, torch.ones(1, 1, 16, 16), ref_frame)


def test_windows_are_consecutive_and_leave_the_reference_out():
    assert make_windows(video(8), 4) == [Window(0, (1, 2, 3, 4), True), Window(0, (5, 6, 7), False)]


def test_a_reference_in_the_middle_gives_windows_both_ways_each_with_a_new_memory():
    windows = make_windows(video(6, ref_frame=2), 2, number=3)
    assert windows == [Window(3, (1, 0), True), Window(3, (3, 4), True), Window(3, (5,), False)]


def test_a_video_of_one_frame_learns_from_that_frame():
    assert make_windows(video(1), 4) == [Window(0, (0,), True)]


def test_long_videos_are_sampled_evenly_and_keep_their_start():
    windows = make_windows(video(1001), 4, max_frames=20)
    assert [window.frames[0] for window in windows] == [1, 249, 497, 749, 997]
    assert windows[0].first


def test_sliding_windows_go_both_ways_from_the_reference():
    windows = slide_windows(video(6, ref_frame=2), 3, number=1)
    assert windows == [
        Window(1, (2, 1, 0), True),
        Window(1, (2, 3, 4), True),
        Window(1, (3, 4, 5), False),
    ]


def test_directions_shorter_than_a_sliding_window_repeat_their_last_frame():
    assert slide_windows(video(3, ref_frame=1), 4) == [Window(0, (1, 0, 0, 0), True), Window(0, (1, 2, 2, 2), True)]
    assert slide_windows(video(1), 3) == [Window(0, (0, 0, 0), True)]


def test_sliding_windows_of_long_videos_are_sampled_evenly():
    windows = slide_windows(video(101), 2, max_frames=5)
    assert [window.frames for window in windows] == [(0, 1), (25, 26), (50, 51), (74, 75), (99, 100)]
