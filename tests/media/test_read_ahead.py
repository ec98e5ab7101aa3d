# SPDX-License-Identifier: Apache-2.0
import threading
import time

import numpy as np
import pytest
import torch

from monai_i2v.media import FrameError, Video, VideoInfo
from monai_i2v.media.read_ahead import ReadAhead


class Counted(Video):
    """Frame i is i / 10 everywhere; the seventh cannot be decoded."""

    def __init__(self):
        super().__init__(VideoInfo("counted", "array", 10, 2, 3), window=(0.0, 10.0))
        self.reads, self.threads, self.closed = [], set(), False

    def read(self, index):
        self.reads.append(index)
        self.threads.add(threading.current_thread().name)
        if index == 7:
            raise FrameError("frame 7 cannot be decoded.")
        return np.full((2, 3, 1), index)

    def close(self):
        self.closed = True


def settled(video, count):
    deadline = time.monotonic() + 20
    while len(video.reads) < count and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    return video.reads


@pytest.mark.parametrize("order", [range(10), range(9, -1, -1), [0, 5, 2, 2, 3, 4, 0, 9]])
def test_frames_are_those_of_the_video_in_any_order(order):
    plain = Counted()
    with ReadAhead(Counted()) as video:
        assert (video.info, len(video)) == (plain.info, 10)
        for index in order:
            if index == 7:
                with pytest.raises(FrameError, match="frame 7"):
                    video[index]
            else:
                assert torch.equal(video[index], plain[index])


def test_each_frame_is_decoded_once_by_one_thread_and_two_ahead():
    source = Counted()
    with ReadAhead(source) as video:
        video[0], video[1]
        assert settled(source, 4) == [0, 1, 2, 3]
        video[2]
        assert settled(source, 5) == [0, 1, 2, 3, 4]
        video[1], video[0]
        assert settled(source, 7)[5:] == [1, 0]  # backward, and nothing lies before
    assert len(source.threads) == 1
    assert not source.closed


def test_closing_waits_for_the_frame_at_work_and_leaves_no_thread():
    source = Counted()
    with ReadAhead(source) as video:
        video[0], video[1]
    count = len(source.reads)
    time.sleep(0.02)
    assert len(source.reads) == count <= 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def test_single_reads_go_through_the_same_thread():
    source = Counted()
    with ReadAhead(source) as video:
        assert video.read(3).max() == 3
        assert video.show(3).max() == pytest.approx(0.3)
    assert len(source.threads) == 1


def test_what_is_made_of_a_frame_besides_is_made_by_the_same_thread_and_once():
    made = []

    def prepare(stored):
        made.append(threading.current_thread().name)
        return float(stored.frame.max())

    with ReadAhead(Counted(), prepare) as video:
        assert [video.stored(index).prepared for index in range(3)] == pytest.approx([0, 0.1, 0.2])
    assert len(set(made)) == 1
    assert made[0].startswith("read-ahead")
