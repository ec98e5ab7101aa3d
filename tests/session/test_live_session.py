# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch

from monai_i2v.errors import UsageError
from monai_i2v.session import LiveSession


class Still:
    """A segmenter that keeps masks where they are."""

    def start(self, frame, masks):
        return masks

    def step(self, frame, state):
        return 0.9 * state, state


def frame(side=16):
    return torch.zeros(3, side, side)


def drawn(label=5):
    label_map = np.zeros((16, 16), np.uint8)
    label_map[4:8, 4:8] = label
    return label_map


def test_a_stream_is_followed_frame_by_frame():
    session = LiveSession(Still(), size=None)
    session.annotate(frame(), drawn())
    found = [session.step(frame()) for _ in range(3)]
    assert [one.index for one in found] == [1, 2, 3]
    assert all(np.array_equal(one.label_map, drawn()) for one in found)
    assert found[0].confidence == {5: pytest.approx(0.8)}
    assert found[0].seconds > 0


def test_a_new_annotation_begins_anew():
    session = LiveSession(Still(), size=None)
    session.annotate(frame(), drawn())
    session.step(frame())
    session.annotate(frame(), drawn(9))
    found = session.step(frame())
    assert (found.index, set(np.unique(found.label_map))) == (3, {0, 9})


def test_what_cannot_be_done_is_said_in_one_sentence():
    session = LiveSession(Still(), size=None)
    with pytest.raises(UsageError, match="no frame was annotated"):
        session.step(frame())
    with pytest.raises(UsageError, match="the mask is empty"):
        session.annotate(frame(), 0 * drawn())
    with pytest.raises(UsageError, match=r"the mask is 16 x 16 px, but the video 20 x 20 px"):
        session.annotate(frame(20), drawn())
    session.annotate(frame(), drawn())
    with pytest.raises(UsageError, match=r"the frame has \(20, 20\) pixels, but the annotated one \(16, 16\)"):
        session.step(frame(20))


class Supported(Still):
    """The same, which also counts the annotated frames that it knows."""

    def start(self, frame, masks):
        self.known = 1
        return masks

    def add_support(self, frame, masks, state):
        self.known += 1
        return torch.maximum(masks, state)


def test_a_correction_goes_on_from_all_that_was_drawn_before_it():
    session = LiveSession(Supported(), size=None)
    session.annotate(frame(), drawn(5))
    for count in range(2, 12):
        session.annotate(frame(), drawn(5))
        assert session.network.known == min(count, 9)  # eight, and its own
    session.annotate(frame(), drawn(6))  # of which the frames before tell nothing
    assert (session.network.known, session.labels) == (1, [6])


def test_an_object_that_a_correction_does_not_show_may_come_back():
    both = drawn(5)
    both[10:12, 10:12] = 6
    session = LiveSession(Supported(), size=None)
    session.annotate(frame(), both)
    session.annotate(frame(), drawn(5))
    assert session.step(frame()).confidence.keys() == {5, 6}
    assert session.step(frame()).label_map[10, 10] == 6


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (2**31, "the mask holds the label 2147483648"),
        (-1, "the mask holds the label -1"),
        (1.7, "holds float64 values"),
    ],
)
def test_a_refused_mask_changes_nothing(wrong, sentence):
    session = LiveSession(Still(), size=None)
    session.annotate(frame(), drawn())
    with pytest.raises(UsageError, match=sentence):
        session.annotate(frame(), np.where(drawn() > 0, wrong, 0))
    assert np.array_equal(session.step(frame()).label_map, drawn())
