# SPDX-License-Identifier: Apache-2.0
import json
import zipfile
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from monai_i2v.errors import UsageError
from monai_i2v.inferers import PropagationInferer
from monai_i2v.media import FrameError
from monai_i2v.phantoms import Phantom
from monai_i2v.session import VideoSession
from monai_i2v.tracking.track import ring_or_line
from monai_i2v.transforms import labels_to_masks, masks_to_labels

LENGTH, SIDE = 20, 32


class Drifter:
    """A segmenter that lets masks slip by one pixel to the right per frame, and gets less sure of them."""

    def start(self, frame, masks):
        return masks, 0

    def step(self, frame, state):
        masks, age = state
        return masks.roll(1, dims=-1) * (1 - 0.01 * age), (masks.roll(1, dims=-1), age + 1)


def label_map(left=8, *, label=1):
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    drawn[8:16, left : left + 8] = label
    return drawn


def left_of(frame, label=1):
    """Where an object begins, px; None when it is not there."""
    columns = np.flatnonzero((frame.label_map == label).any(axis=0))
    return int(columns[0]) if len(columns) else None


def session(length=LENGTH, network=None, **settings):
    return VideoSession(network or Drifter(), torch.zeros(length, 3, SIDE, SIDE), size=None, **settings)


def run(one, *args):
    return {frame.index: frame for frame in one.propagate(*args)}


def lefts(one):
    return [left_of(one[index]) for index in range(len(one))]


def test_masks_go_both_ways_from_the_annotated_frame():
    one = session(6)
    one.annotate(2, label_map())
    assert sorted(run(one)) == list(range(6))
    assert lefts(one) == [10, 9, 8, 9, 10, 11]
    assert one[2].confidence == {1: 1.0}
    assert one[5].confidence[1] < one[3].confidence[1] <= 1


@pytest.mark.parametrize(("direction", "reached"), [("forward", [2, 3, 4, 5]), ("backward", [0, 1, 2])])
def test_one_direction_only(direction, reached):
    one = session(6)
    one.annotate(2, label_map())
    assert sorted(run(one, direction)) == reached
    assert one[0 if direction == "forward" else 5].confidence == {}
    assert not one[0 if direction == "forward" else 5].label_map.any()


def test_between_two_annotated_frames_the_nearer_one_counts_more():
    one = session(9)
    one.annotate(0, label_map(8))
    one.annotate(8, label_map(8))
    run(one)
    assert lefts(one) == [8, 9, 10, 11, 12, 11, 10, 9, 8]
    assert one.evaluations == 2 + 7 + 7  # each pass ends where the other began


def test_a_video_that_runs_backward_gives_the_same_masks_to_the_last_bit(memory_net):
    phantom = Phantom(length=8, size=(64, 64), objects=2)
    frames = torch.stack(list(phantom))
    net = memory_net
    forward = VideoSession(net, frames, size=64)
    backward = VideoSession(net, frames.flip(0), size=64)
    for index in (1, 6):
        forward.annotate(index, phantom.label_map(index))
    for index in (1, 6):
        backward.annotate(7 - index, phantom.label_map(index))
    run(forward), run(backward)
    for index in range(8):
        assert np.array_equal(forward[index].label_map, backward[7 - index].label_map)
        assert forward[index].confidence == backward[7 - index].confidence


def test_a_cycle_goes_on_after_its_last_frame():
    one = session(10, cyclic=True)
    one.annotate(0, label_map(8))
    run(one)
    line = session(10)
    line.annotate(0, label_map(8))
    run(line)
    assert left_of(line[9]) == 17
    assert left_of(one[9]) <= 10  # one step against time
    assert list(ring_or_line(8, 1, 10, cyclic=True)) == [9, 0, 1, 2, 3, 4, 5, 6, 7]


def test_two_anchors_halve_the_error_in_the_middle_of_a_cycle():
    def error_at(middle, *anchors):
        one = session(20, cyclic=len(anchors) > 1)
        for anchor in anchors:
            one.annotate(anchor, label_map(8))
        run(one, "both" if len(anchors) > 1 else "forward")
        return abs(left_of(one[middle]) - 8)

    assert error_at(15, 0, 10) <= error_at(15, 0) / 2
    assert error_at(5, 0, 10) <= error_at(5, 0)


def test_after_a_correction_its_neighborhood_is_as_if_it_had_been_there_from_the_start():
    corrected = session(60)
    corrected.annotate(0, label_map(2))
    run(corrected)
    before = corrected.evaluations
    corrected.annotate(36, label_map(2))
    run(corrected)
    whole = session(60)
    whole.annotate(0, label_map(2))
    whole.annotate(36, label_map(2))
    run(whole)
    assert lefts(corrected) == lefts(whole)
    assert corrected.evaluations - before < 60 + 1


class Steady(Drifter):
    """A segmenter that keeps masks where they are."""

    def step(self, frame, state):
        return state[0], state


def test_a_correction_that_changes_nothing_ends_soon():
    one = session(60, Steady())
    one.annotate(0, label_map())
    run(one)
    before = one.evaluations
    one.annotate(30, label_map())
    run(one)
    assert one.evaluations - before == 2 + 3 + 3  # a start and three frames that agree, both ways


class SlipsOnce(Drifter):
    """A segmenter whose masks slip by 8 px where a video becomes white."""

    def start(self, frame, masks):
        return masks, frame.mean()

    def step(self, frame, state):
        masks = state[0].roll(8, dims=-1) if frame.mean() > state[1] else state[0]
        return masks, (masks, frame.mean())


def test_a_correction_runs_again_only_what_changes():
    frames = torch.zeros(100, 3, SIDE, SIDE)
    frames[70:] = 1
    corrected, whole = (VideoSession(SlipsOnce(), frames, size=None) for _ in range(2))
    corrected.annotate(0, label_map())
    run(corrected)
    before = corrected.evaluations
    corrected.annotate(71, label_map())  # it had slipped to 16
    run(corrected)
    for frame in (0, 71):
        whole.annotate(frame, label_map())
    run(whole)
    around = range(41, 100)
    assert [left_of(corrected[index]) for index in around] == [left_of(whole[index]) for index in around]
    assert corrected.evaluations - before < whole.evaluations / 2


def test_undo_takes_a_correction_back():
    one = session()
    one.annotate(0, label_map())
    run(one)
    before = lefts(one)
    one.annotate(10, label_map())
    run(one)
    assert lefts(one) != before
    one.undo()  # what was found
    one.undo()  # what was drawn
    assert lefts(one) == before
    one.undo()
    one.undo()
    assert lefts(one) == [None] * LENGTH
    with pytest.raises(UsageError, match="nothing to undo"):
        one.undo()


def test_a_redrawn_frame_sends_its_neighbors_their_whole_way_and_undo_brings_the_old_masks_back():
    one = session(40, Steady())
    one.annotate(0, label_map(8))
    run(one)
    one.annotate(30, label_map(8))
    run(one)  # going back, it agreed and ended
    before = lefts(one)
    one.annotate(0, label_map(2))
    run(one)
    assert [left_of(one[index]) for index in (5, 25)] == [2, 8]
    assert one[12].confidence == {1: 1.0}
    one.undo()
    one.undo()
    assert lefts(one) == before
    run(one)
    assert lefts(one) == before


def test_iterating_may_stop_and_go_on():
    one = session()
    one.annotate(0, label_map())
    for frame in one.propagate():
        if frame.index == 5:
            break
    assert left_of(one[5]) == 13
    assert one[6].confidence == {}
    rest = run(one)
    assert sorted(rest) == [0, *range(6, LENGTH)]
    assert one.evaluations == LENGTH


class Still:
    """A segmenter for which nothing moves."""

    def start(self, frame, masks):
        return masks

    def step(self, frame, state):
        return state, state


def unseen(one):
    """Frames of which not all objects are known."""
    return [index for index in range(len(one)) if set(one[index].confidence) != set(one.labels)]


def test_a_correction_does_not_rely_on_a_pass_that_was_stopped():
    one = session(network=Still())
    one.annotate(0, label_map())
    list(islice(one.propagate(), 12))
    one.annotate(8, label_map())  # the same again: what was found so far agrees
    run(one)
    assert unseen(one) == []


def test_what_agreed_with_passes_of_a_removed_object_goes_its_whole_way():
    one = session(network=Still())
    one.annotate(0, label_map() + label_map(18, label=2))
    run(one)
    one.add(8, 2, label_map(18) > 0)
    run(one)
    one.remove(1)
    run(one)
    assert unseen(one) == []


def test_removing_an_object_keeps_where_others_were_drawn_as_absent():
    one = session(network=Still())
    one.add(0, 2, label_map() > 0)
    one.add(5, 2, np.zeros((SIDE, SIDE), np.uint8))
    one.add(7, 1, label_map(18) > 0)
    one.remove(1)
    run(one)
    assert list(one.tracker.drawn) == [0, 5]
    assert left_of(one[5], 2) is None
    one.remove(2)
    assert one.tracker.drawn == {}
    assert one.tracker.tracks == []


def act_somehow(one, random):
    frame, label = int(random.integers(LENGTH)), int(random.integers(1, 4))
    acts = {
        0: lambda: one.annotate(frame, label_map(label=label)),
        1: lambda: one.add(frame, label, label_map(4 * label) > 0),
        2: lambda: one.remove(label) if len(one.labels) > 1 and label in one.labels else None,
        3: lambda: one.undo() if len(one.history.past) > 1 else None,
        4: lambda: one.redo() if one.history.future else None,
        5: lambda: one.forget(frame) if len(one.drawn) > 1 and frame in one.drawn else None,
    }
    acts.get(int(random.integers(7)), lambda: None)()


def test_stopping_correcting_removing_and_undoing_in_any_order_leaves_no_frame_without_masks():
    for seed in range(60):
        random = np.random.default_rng(seed)
        one = session(network=Still())
        one.annotate(int(random.integers(LENGTH)), label_map() + label_map(18, label=2))
        for _ in range(8):
            act_somehow(one, random)
            if not one.tracker.drawn:  # nothing that was left is seen anywhere
                one.annotate(0, label_map())
            list(islice(one.propagate(), int(random.integers(2 * LENGTH))))
        run(one)
        shown = {label for masks in one.tracker.drawn.values() for label, mask in masks.items() if mask.any()}
        assert all(shown <= set(one[index].confidence) for index in range(LENGTH)), seed


def test_objects_come_and_go_by_hand():
    one = session(8)
    one.annotate(0, label_map(2))
    one.add(4, 7, label_map(16, label=1))
    run(one)
    assert [left_of(one[index], 7) for index in (0, 4, 7)] == [20, 16, 19]
    assert left_of(one[7], 1) == 9
    assert one.labels == [1, 7]
    one.remove(7)
    run(one)
    assert left_of(one[4], 7) is None
    assert left_of(one[7], 1) == 9
    one.undo()  # nothing was found anew
    assert left_of(one[7], 7) == 19


def test_what_is_drawn_beside_an_object_takes_its_pixels():
    one = session(3)
    one.annotate(0, label_map(8))
    one.add(0, 2, label_map(12))
    assert left_of(one[0], 2) == 12
    assert (one[0].label_map == 1).sum() == 8 * 4


def test_an_object_that_is_not_drawn_in_a_frame_is_absent_there_and_goes_on_after_it():
    one = session(8)
    one.annotate(0, label_map(2) | label_map(18, label=2))
    one.annotate(4, label_map(2))
    run(one)
    assert [left_of(one[index], 2) is None for index in range(8)] == [False] * 4 + [True] + [False] * 3


def test_the_most_doubtful_frame_far_from_drawn_ones_is_suggested():
    one = session(21)
    one.annotate(0, label_map())
    run(one)
    first = one.suggest()[0]
    assert first == 20  # as far and as unsure as can be
    one.annotate(20, label_map())
    run(one)
    assert 8 <= one.suggest()[0] <= 12
    assert len(one.suggest(100)) == 19


def test_a_saved_session_goes_on_as_if_nothing_had_happened(tmp_path):
    straight, saved = session(), session()
    for one in (straight, saved):
        one.annotate(3, label_map(4) | label_map(20, label=9))
    for frame in saved.propagate():
        if frame.index == 9:
            break
    saved.save(tmp_path / "a.session")
    loaded = VideoSession.load(tmp_path / "a.session", Drifter(), torch.zeros(LENGTH, 3, SIDE, SIDE), size=None)
    assert left_of(loaded[9]) == left_of(saved[9])
    run(straight), run(loaded)
    for index in range(LENGTH):
        assert np.array_equal(straight[index].label_map, loaded[index].label_map)
        assert straight[index].confidence == loaded[index].confidence


def test_a_cycle_is_one_after_loading_too(tmp_path):
    one = session(10, cyclic=True)
    one.annotate(0, label_map(8))
    one.save(tmp_path / "a.session")
    loaded = VideoSession.load(tmp_path / "a.session", Drifter(), torch.zeros(10, 3, SIDE, SIDE), size=None)
    run(one), run(loaded)
    assert loaded.cyclic
    assert lefts(loaded) == lefts(one)
    assert left_of(loaded[9]) <= 10  # one step against time


def test_indices_alone_are_those_of_the_frames_and_cost_no_masks(monkeypatch):
    seen, whole = session(), session()
    for one in (seen, whole):
        one.annotate(3, label_map())
    monkeypatch.setattr(VideoSession, "__getitem__", None)
    indices = list(seen.carry())
    monkeypatch.undo()
    assert indices == [frame.index for frame in whole.propagate()]
    assert lefts(seen) == lefts(whole)


def test_a_complete_session_needs_no_network_after_loading(tmp_path):
    one = session()
    one.annotate(0, label_map())
    run(one)
    one.save(tmp_path / "a.session")
    loaded = VideoSession.load(tmp_path / "a.session", Drifter(), torch.zeros(LENGTH, 3, SIDE, SIDE), size=None)
    assert lefts(loaded) == lefts(one)
    run(loaded)
    assert loaded.evaluations == 0


def test_a_session_of_another_video_is_refused(tmp_path):
    one = session()
    one.annotate(0, label_map())
    one.save(tmp_path / "a.session")
    with pytest.raises(UsageError, match=r"is a session of 20 frames of 32 x 32 px.*but the video has 21"):
        VideoSession.load(tmp_path / "a.session", Drifter(), torch.zeros(21, 3, SIDE, SIDE), size=None)


def damaged(change):
    def make(path):
        with zipfile.ZipFile(path) as archive:
            content, blob = json.loads(archive.read("session.json")), archive.read("masks.bin")
        blob = change(content, blob) or blob
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("session.json", json.dumps(content))
            archive.writestr("masks.bin", blob)

    return make


def compressed(path):
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "damage",
    [
        compressed,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.unlink(),
        damaged(lambda content, blob: content.pop("drawn") and None),
        damaged(lambda content, blob: content.update(tracks=3)),
        damaged(lambda content, blob: content["drawn"].update({"99": {"1": [0, 5]}})),
        damaged(lambda content, blob: content["drawn"]["0"].update({"1": [0, 1]})),
        damaged(lambda content, blob: content["tracks"][0].update(labels=list(range(500)))),
        damaged(lambda content, blob: b"\0" * len(blob)),
        damaged(lambda content, blob: content.update(frames="many") and None),
        damaged(lambda content, blob: content.update(video_size=[])),
        damaged(lambda content, blob: content["tracks"][0].update(labels=[0])),
        damaged(lambda content, blob: content["tracks"][0].update(anchor=float("inf"))),
        damaged(lambda content, blob: content["tracks"][0]["frames"]["3"].__setitem__(0, 0)),
        damaged(lambda content, blob: content["tracks"][0]["frames"]["3"].__setitem__(1, [])),
        damaged(lambda content, blob: content["tracks"][0]["frames"]["3"].__setitem__(1, [float("nan")])),
        lambda path: [path.unlink(), path.mkdir()],
    ],
)
def test_a_file_that_is_no_session_is_refused_in_one_sentence(tmp_path, damage):
    one = session()
    one.annotate(0, label_map())
    run(one)
    path = tmp_path / "a.session"
    one.save(path)
    damage(path)
    with pytest.raises(
        UsageError,
        match=r"a\.session (cannot be read as a session|is a session of|is empty|does not exist|is a folder)",
    ):
        VideoSession.load(path, Drifter(), torch.zeros(LENGTH, 3, SIDE, SIDE), size=None)


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda one: one.annotate(99, label_map()), "frame is 99, expected 0 to 19"),
        (lambda one: one.annotate(0, 0 * label_map()), "the mask of frame 0 is empty"),
        (lambda one: one.annotate(0, label_map()[:9]), "the mask is 32 x 9 px, but the video 32 x 32 px"),
        (lambda one: one.annotate(0, label_map() / 2), "the mask holds float64 values"),
        (lambda one: one.add(0, 0, label_map()), "label is 0, expected a whole number from 1"),
        (lambda one: one.add(0, 3, 0 * label_map()), "the mask of object 3 is empty"),
        (lambda one: one.remove(3), "there is no object 3"),
        (lambda one: list(one.propagate()), "no frame was annotated"),
        (lambda one: list(one.propagate("up")), "direction is 'up', expected one of forward, backward, both"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence_and_changes_nothing(act, sentence):
    one = session()
    with pytest.raises(UsageError, match=sentence):
        act(one)
    assert not one.tracker.drawn
    with pytest.raises(UsageError, match="nothing to undo"):
        one.undo()


def test_passes_share_what_the_encoder_says_about_a_frame(memory_net, monkeypatch):
    net, seen = memory_net, []
    encode = net.encode_frame
    monkeypatch.setattr(net, "encode_frame", lambda frame: seen.append(1) or encode(frame))
    phantom = Phantom(length=6, size=(64, 64))
    one = VideoSession(net, phantom, size=64)
    one.annotate(0, phantom.label_map(0))
    one.annotate(5, phantom.label_map(5))
    run(one)
    assert one.evaluations == 2 + 4 + 4 + 1  # the pass back from frame 5 knows frame 0 too
    assert len(seen) == 2 + 4 + 1


def test_a_session_agrees_with_the_plain_propagation(memory_net):
    phantom, net = Phantom(length=6, size=(64, 64)), memory_net
    one = VideoSession(net, phantom, size=64)
    one.annotate(0, phantom.label_map(0))
    run(one)
    masks = labels_to_masks(torch.from_numpy(phantom.label_map(0).astype(np.int32)), [1])
    with torch.no_grad():
        for result in PropagationInferer(64).stream(phantom, net, masks):
            plain = masks_to_labels(result.prob, [1]).numpy()
            assert np.array_equal(plain, one[result.index].label_map)


class Scan(Phantom):
    """A recording with a calibrated region of 20 x 16 px."""

    def __init__(self):
        super().__init__(length=4, size=(SIDE, SIDE))
        self.info = replace(self.info, region=(4, 6, 24, 22))


def test_a_cropped_session_draws_and_finds_within_the_region_only(tmp_path):
    one = VideoSession(Drifter(), Scan(), size=None, crop=True)
    with pytest.raises(
        UsageError, match=r"16 pixels of the mask lie outside of the calibrated region \(columns 6 to 21"
    ):
        one.annotate(0, label_map(left=4))
    one.annotate(0, label_map(left=7))
    assert {frame.label_map.shape for frame in one.propagate()} == {(SIDE, SIDE)}
    assert lefts(one) == [7, 8, 9, 10]
    one.save(tmp_path / "a.session")
    again = VideoSession.load(tmp_path / "a.session", Drifter(), Scan(), size=None, crop=True)
    assert lefts(again) == [7, 8, 9, 10]
    with pytest.raises(
        UsageError, match=r"4 frames of 32 x 32 px, without what is around \(4, 6, 24, 22\), seen at 16 x 20, but"
    ):
        VideoSession.load(tmp_path / "a.session", Drifter(), Scan(), size=None)


def test_numbers_of_numpy_are_labels_and_what_is_no_label_or_mask_is_refused():
    one = session()
    one.add(0, np.int64(3), label_map() > 0)
    assert one.labels == [3]
    with pytest.raises(UsageError, match="label is 2147483648, expected a whole number from 1 to 2147483647"):
        one.add(0, 2**31, label_map())
    with pytest.raises(UsageError, match="the mask holds float64 values"):
        one.add(0, 1, np.full((SIDE, SIDE), 0.4))
    with pytest.raises(UsageError, match="the mask holds the label 2147483648"):
        one.annotate(0, np.where(label_map() > 0, 2**31, 0))
    assert one.labels == [3]


def test_a_frame_that_cannot_be_read_cannot_be_annotated():
    class Damaged(Phantom):
        def read(self, index):
            if index == 3:
                raise FrameError("frame 3 cannot be decoded.")
            return super().read(index)

    one = VideoSession(Still(), Damaged(length=5, size=(SIDE, SIDE)), size=None)
    one.annotate(0, label_map())
    with pytest.raises(FrameError, match="frame 3 cannot be decoded"):
        one.annotate(3, label_map())
    assert list(one.tracker.drawn) == [0]


def test_a_tilde_is_the_home_of_sessions_too(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    one = session()
    one.annotate(0, label_map())
    one.save("~/a.session")
    assert (tmp_path / "a.session").is_file()
    loaded = VideoSession.load("~/a.session", Still(), torch.zeros(LENGTH, 3, SIDE, SIDE), size=None)
    assert list(loaded.tracker.drawn) == [0]


@torch.no_grad()
@pytest.mark.parametrize("ref_frame", [0, 3])
def test_a_session_gives_what_the_inferer_gives_to_the_last_bit(memory_net, ref_frame):
    phantom = Phantom(length=6, size=(64, 80), objects=2)
    one = VideoSession(memory_net.eval(), phantom, size=48)
    one.annotate(ref_frame, phantom.label_map(ref_frame))
    run(one)
    masks = torch.from_numpy(np.stack([phantom.label_map(ref_frame) == label for label in one.labels])).float()
    for result in PropagationInferer(48).stream(phantom, memory_net.eval(), masks, ref_frame):
        assert torch.equal(result.prob, one.probabilities(result.index))
