# SPDX-License-Identifier: Apache-2.0
"""What a person does besides drawing: taking back, doing again, forgetting, judging, naming; from one thread."""

from __future__ import annotations

import threading
from itertools import islice

import numpy as np
import pytest
import torch

from monai_i2v.errors import UsageError
from monai_i2v.phantoms import Phantom
from monai_i2v.session import VideoSession

SIZE = 32


class Still:
    """A segmenter for which nothing moves."""

    def start(self, frame, masks):
        return masks

    def step(self, frame, state):
        return state, state


def drawn(label=1, left=8):
    label_map = np.zeros((SIZE, SIZE), np.uint8)
    label_map[8:16, left : left + 8] = label
    return label_map


def session(length=10, network=None):
    return VideoSession(network or Still(), torch.zeros(length, 3, SIZE, SIZE), size=None)


def run(one, count=None):
    return [frame.index for frame in islice(one.propagate(), count)]


def seen(one):
    return [bool(one[index].label_map.any()) for index in range(len(one))]


def maps(one):
    return np.stack([one[index].label_map for index in range(len(one))])


def test_undo_and_redo_walk_over_drawing_propagating_and_forgetting():
    one, states = session(), []
    acts = [
        lambda: one.annotate(0, drawn()),
        lambda: run(one),
        lambda: one.add(4, 2, drawn(left=20) > 0),
        lambda: run(one),
        lambda: one.annotate(8, drawn(left=14)),
        lambda: one.forget(0),
        lambda: run(one),
        lambda: one.remove(2),
    ]
    for act in acts:
        states.append(maps(one))
        act()
    states.append(maps(one))
    for _ in range(2):
        for state in states[-2::-1]:
            one.undo()
            assert np.array_equal(maps(one), state)
        with pytest.raises(UsageError, match="nothing to undo"):
            one.undo()
        for state in states[1:]:
            one.redo()
            assert np.array_equal(maps(one), state)
        with pytest.raises(UsageError, match="nothing to do again"):
            one.redo()


def test_drawing_after_an_undo_ends_what_could_be_done_again():
    one = session()
    one.annotate(0, drawn())
    one.undo()
    one.annotate(1, drawn())
    with pytest.raises(UsageError, match="nothing to do again"):
        one.redo()


def test_undone_and_redone_masks_of_a_memory_network_are_the_same_to_the_byte(memory_net):
    phantom = Phantom(length=8, size=(64, 64))
    one = VideoSession(memory_net, phantom, size=64)
    one.annotate(0, phantom.label_map(0))
    run(one, 4)
    part = maps(one)
    run(one)
    whole, evaluations = maps(one), one.evaluations
    one.undo()
    assert np.array_equal(maps(one), part)
    one.redo()
    assert np.array_equal(maps(one), whole)
    assert run(one) == [0]
    assert one.evaluations == evaluations


def test_a_pass_that_was_not_finished_goes_on_after_loading(memory_net, tmp_path):
    phantom = Phantom(length=12, size=(64, 64))
    one = VideoSession(memory_net, phantom, size=64)
    one.annotate(0, phantom.label_map(0))
    run(one, 7)  # the drawn frame and 6 more
    one.save(tmp_path / "session.zip")
    again = VideoSession.load(tmp_path / "session.zip", memory_net, phantom, size=64)
    assert run(again) == [0, *range(7, 12)]
    remembered = 3  # every second of 6 frames
    assert again.evaluations == 1 + remembered + 5
    run(one)
    both = zip(maps(one), maps(again), strict=True)
    assert all((a == b).mean() > 0.95 for a, b in both)


def test_a_network_without_a_memory_goes_the_whole_way_after_loading(tmp_path):
    one = session()
    one.annotate(0, drawn())
    run(one, 4)
    one.save(tmp_path / "session.zip")
    again = VideoSession.load(tmp_path / "session.zip", Still(), torch.zeros(10, 3, SIZE, SIZE), size=None)
    assert run(again) == list(range(10))


def test_after_forgetting_a_frame_the_passes_of_others_go_on_through_it():
    one = session()
    one.annotate(0, drawn())
    one.annotate(5, drawn(left=20))
    run(one)
    one.forget(5)
    assert seen(one) == [True] * 5 + [False] * 5
    run(one)
    assert np.array_equal(maps(one)[9], drawn())
    with pytest.raises(UsageError, match=r"nothing was drawn in frame 5, expected one of \[0\]"):
        one.forget(5)


def test_an_object_that_was_drawn_in_the_forgotten_frame_only_is_gone():
    one = session()
    one.annotate(0, drawn())
    one.add(5, 2, drawn(left=20))
    run(one)
    one.forget(5)
    assert one.labels == [1]


def test_several_objects_drawn_at_once_are_one_step():
    one = session()
    one.draw(0, {1: drawn() > 0, 2: drawn(left=12) > 0})
    assert [(one[0].label_map == label).sum() for label in (1, 2)] == [32, 64]
    one.undo()
    assert one.labels == []


def test_a_verdict_counts_as_long_as_the_masks_stay_as_they_are(tmp_path):
    one = session()
    one.annotate(0, drawn())
    run(one)
    one.review(3, "accepted")
    one.review(4, "rejected")
    one.save(tmp_path / "session.zip")
    again = VideoSession.load(tmp_path / "session.zip", Still(), torch.zeros(10, 3, SIZE, SIZE), size=None)
    assert [again[index].review for index in (2, 3, 4)] == ["", "accepted", "rejected"]
    again.annotate(3, drawn(left=20))
    assert again[3].review == ""
    again.undo()
    assert again[3].review == "accepted"
    again.review(3, "")
    assert again[3].review == ""


def test_objects_have_names_and_colors_that_are_saved(tmp_path):
    one = session()
    one.annotate(0, drawn(label=7))
    assert (one.names, one.colors) == ({7: "object 7"}, {7: (86, 180, 233)})
    one.describe(7, name="left ventricle", color=[1, 2, 3])
    one.save(tmp_path / "session.zip")
    again = VideoSession.load(tmp_path / "session.zip", Still(), torch.zeros(10, 3, SIZE, SIZE), size=None)
    assert (again.names, again.colors) == ({7: "left ventricle"}, {7: (1, 2, 3)})
    one.undo()
    assert one.names == {7: "object 7"}


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda one: one.review(0, "fine"), "the review mark is 'fine', expected one of accepted, rejected"),
        (lambda one: one.describe(3, name="a"), r"there is no object 3, expected one of \[1\]"),
        (lambda one: one.describe(1, name="a\nb"), "expected 1 to 64 characters in one line"),
        (lambda one: one.describe(1, color=(0, 0, 256)), "expected red, green and blue from 0 to 255"),
    ],
)
def test_what_cannot_be_noted_is_said_and_changes_nothing(act, sentence):
    one = session()
    one.annotate(0, drawn())
    with pytest.raises(UsageError, match=sentence):
        act(one)
    assert len(one.history.past) == 1


def test_a_second_thread_is_refused_while_the_first_is_at_work():
    entered, leave, refused = threading.Event(), threading.Event(), []

    class Slow(Still):
        def step(self, frame, state):
            entered.set()
            leave.wait(10)
            return state, state

    one = session(network=Slow())
    one.annotate(0, drawn())
    first = threading.Thread(target=run, args=(one,))
    first.start()
    entered.wait(10)
    try:
        one[0]
    except UsageError as error:
        refused.append(str(error))
    leave.set()
    first.join()
    assert refused == ["another thread works with the session, expected one at a time; wait for it."]
    assert one[0].label_map.any()


def test_drawing_ends_a_propagation_that_is_under_way():
    one = session()
    one.annotate(0, drawn())
    steps = one.carry()
    assert [next(steps), next(steps)] == [0, 1]
    one.annotate(5, drawn())
    assert list(steps) == []


def test_the_trace_of_a_frame_changes_with_its_masks_only():
    one = session()
    one.annotate(0, drawn())
    run(one)
    before = [one.trace(index) for index in range(10)]
    one.annotate(9, drawn(left=20))
    assert [one.trace(index) == old for index, old in enumerate(before)] == [True] * 9 + [False]
