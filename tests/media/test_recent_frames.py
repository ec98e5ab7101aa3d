# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import av

from monai_i2v.media.recent_frames import RecentFrames

SIZE = 64 * 64 * 3 // 2  # bytes of a frame in 4:2:0


def test_the_oldest_make_room():
    frames = RecentFrames(memory=4 * SIZE, min_frames=1)
    for stamp in range(10):
        frames.add(stamp, av.VideoFrame(64, 64, "yuv420p"))
    assert [stamp for stamp in range(10) if frames.get(stamp)] == [6, 7, 8, 9]


def test_a_frame_that_comes_again_is_held_once_and_longest():
    frames = RecentFrames(memory=2 * SIZE, min_frames=1)
    for stamp in (1, 2, 1, 3):
        frames.add(stamp, av.VideoFrame(64, 64, "yuv420p"))
    assert len(frames) == 2
    assert frames.get(2) is None


def test_few_large_frames_are_held_nevertheless():
    frames = RecentFrames(memory=1, min_frames=3)
    for stamp in range(5):
        frames.add(stamp, av.VideoFrame(64, 64, "yuv420p"))
    assert len(frames) == 3
