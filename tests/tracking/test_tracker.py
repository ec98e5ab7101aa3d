# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch

from monai_i2v.phantoms import Phantom
from monai_i2v.session import VideoSession

LENGTH, SIDE = 12, 32


class Shown:
    """State of a `Diary`."""

    def __init__(self, masks):
        self.shown, self.masks, self.frames, self.last = [], masks, 1, None

    @property
    def remembered(self):
        return self.last is not None and self.last % 2 == 0

    def decide(self, key, prob):
        return self.remembered


class Diary:
    """A `MemoryNet` whose state is the list of frames that it was shown; it remembers every second frame."""

    def encode_frame(self, frame):
        return {1: frame}

    def encode_key(self, features):
        return features[1]

    def start(self, frame, masks):
        state = Shown(masks)
        return self.add_support(frame, masks, state)

    def add_support(self, frame, masks, state):
        state.shown.append(("drawn", number(frame)))
        return state

    def step(self, frame, state):
        return self.step_from({1: frame}, state)

    def step_from(self, features, state, *, remember=None):
        state.last = number(features[1])
        if state.remembered if remember is None else remember:
            self.remember(features, None, state)
        return state.masks, state

    def remember(self, features, masks, state):
        state.shown.append(("seen", number(features[1])))


def number(frame):
    return round(100 * frame.mean().item())


@pytest.fixture
def session():
    return VideoSession(Diary(), torch.arange(LENGTH).div(100).view(-1, 1, 1, 1).expand(-1, 3, SIDE, SIDE), size=None)


def drawn(*labels):
    label_map = np.zeros((SIDE, SIDE), np.uint8)
    for label in labels:
        label_map[8 * label : 8 * label + 8, 8:16] = label
    return label_map


def run(session):
    return [frame.index for frame in session.propagate()]


def shown(session, anchor, direction):
    (track,) = [track for track in session.tracker.tracks if (track.anchor, track.direction) == (anchor, direction)]
    return track.state.shown


def test_a_pass_knows_what_was_drawn_before_its_anchor_and_what_the_pass_that_arrives_there_saw(session):
    session.annotate(0, drawn(1))
    run(session)
    session.annotate(6, drawn(1))
    run(session)
    before = [("drawn", 6), ("drawn", 0)]
    assert shown(session, 6, 1)[:4] == [*before, ("seen", 2), ("seen", 4)]
    assert shown(session, 6, -1)[:2] == before
    assert ("drawn", 6) not in shown(session, 0, 1)


def test_what_one_pass_took_over_goes_to_the_next(session):
    for frame in (0, 5, 9):
        session.annotate(frame, drawn(1))
    run(session)
    seen = [("seen", 2), ("seen", 4), ("seen", 6), ("seen", 8)]
    assert shown(session, 9, 1)[:7] == [("drawn", 9), ("drawn", 0), ("drawn", 5), *seen]


def test_an_object_that_is_not_in_an_annotated_frame_is_looked_for_after_it(session):
    session.annotate(0, drawn(1, 2))
    session.annotate(4, drawn(1))
    run(session)
    assert {one.labels for one in session.tracker.tracks} == {(1, 2)}


def test_a_frame_that_tells_nothing_of_an_object_is_no_support(session):
    session.annotate(0, drawn(1))
    session.annotate(4, drawn(1, 2))  # whether 2 is in frame 0 nobody said
    run(session)
    assert shown(session, 4, 1)[0] == ("drawn", 4)
    assert ("drawn", 0) not in shown(session, 4, 1)


def test_a_redrawn_frame_takes_all_back_that_knew_the_old_masks(session):
    for frame in (0, 4, 8):
        session.annotate(frame, drawn(1))
    run(session)
    session.annotate(4, drawn(2))
    assert {one.anchor for one in session.tracker.tracks} == {0}


def test_a_correction_gives_what_two_annotated_frames_give_from_the_start(memory_net):
    phantom = Phantom(length=10, size=(64, 64))
    corrected, whole = (VideoSession(memory_net, phantom, size=64) for _ in range(2))
    corrected.annotate(0, phantom.label_map(0))
    run(corrected)
    before = corrected.evaluations
    for one in (corrected, whole):
        one.annotate(0, phantom.label_map(0)) if one is whole else None
        one.annotate(6, phantom.label_map(6))
        run(one)
    passes = {(one.anchor, one.direction): one for one in whole.tracker.tracks}
    for one in corrected.tracker.tracks:
        for frame, found in one.frames.items():
            same = frame in passes[one.anchor, one.direction].frames
            assert not same or found.confidence == passes[one.anchor, one.direction].frames[frame].confidence
    assert corrected.evaluations - before < whole.evaluations
