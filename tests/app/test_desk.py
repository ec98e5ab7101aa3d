# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
import torch
from page_user import Still

from monai_i2v.app import Desk
from monai_i2v.app.run_lengths import read_runs, runs_of
from monai_i2v.app.session_folder import SessionFolder
from monai_i2v.errors import UsageError
from monai_i2v.session import VideoSession

SIZE, LENGTH = 32, 6


def mask(left=8):
    drawn = np.zeros((SIZE, SIZE), bool)
    drawn[8:16, left : left + 8] = True
    return drawn


def draw(frame, **masks):
    return {"do": "draw", "frame": frame, "masks": {label.strip("_"): runs_of(one) for label, one in masks.items()}}


@pytest.fixture
def sit_down(tmp_path):
    """As the server does after a crash: the session file, then the journal's further lines."""
    folders = []

    def sit_down(told=None):
        folders.append(SessionFolder(tmp_path / "cine.session"))
        return new_desk(folders[-1], told)

    yield sit_down
    folders[-1].close()


def new_desk(folder, told):
    saved, done = folder.saved()
    video = torch.zeros(LENGTH, 3, SIZE, SIZE)
    session = VideoSession.load(saved, Still(), video, size=None) if saved else VideoSession(Still(), video, size=None)
    return Desk(
        session, folder, (lambda kind, data: told.append((kind, data))) if told is not None else print, done=done
    )


def crash(desk):
    """What a kill leaves: the lock is gone, nothing is saved."""
    desk.folder.close()


def seen(desk):
    return [sorted(desk.frame(index)["areas"].items()) for index in range(LENGTH)]


def test_what_was_drawn_is_there_after_a_crash(sit_down):
    desk = sit_down()
    desk.do(draw(0, _1=mask()))
    desk.do(draw(3, _1=mask(4), _2=mask(20)))
    before = seen(desk)
    crash(desk)
    assert seen(sit_down()) == before


def test_undo_of_what_the_session_file_holds_outlives_a_crash_too(sit_down):
    desk = sit_down()
    desk.do(draw(0, _1=mask()))
    list(desk.propagate("both"))
    found = seen(desk)
    desk.do({"do": "undo"})
    drawn = seen(desk)
    crash(desk)
    desk = sit_down()
    assert seen(desk) == drawn
    list(desk.propagate("forward"))
    assert seen(desk) == found


def test_masks_that_were_found_outlive_a_crash_after_their_pass(sit_down, tmp_path):
    desk = sit_down()
    desk.do(draw(0, _1=mask()))
    list(desk.propagate("both"))
    desk.do({"do": "review", "frame": 2, "mark": "accepted"})
    desk.do({"do": "describe", "label": 1, "name": "left ventricle", "color": [1, 2, 3]})
    crash(desk)
    desk = sit_down()
    assert desk.frame(2)["review"] == "accepted"
    assert desk.state()["objects"] == [{"label": 1, "name": "left ventricle", "color": (1, 2, 3)}]
    assert all(areas == [(1, 64)] for areas in seen(desk))
    desk.close()
    progress = json.loads((tmp_path / "cine.session" / "progress.json").read_text())
    assert progress == {"frames": LENGTH, "drawn": 1, "accepted": 1}


@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        ({"do": "dance"}, "'dance' is nothing to do, expected one of draw, forget"),
        ({"do": "draw", "frame": 0}, "the drawing has no masks"),
        ({"do": "draw", "frame": 0, "masks": {"x": []}}, "the drawing has no masks"),
        ({"do": "draw", "frame": 0, "masks": {"1": [0, 3]}}, "the mask is no 32 x 32 picture"),
        ({"do": "draw", "frame": "0", "masks": {"1": runs_of(mask())}}, "frame is '0', expected a whole number"),
        ({"do": "draw", "frame": 99, "masks": {"1": runs_of(mask())}}, "frame is 99, expected 0 to 5"),
        ({"do": "draw", "frame": 0, "masks": {"9": [0, SIZE * SIZE]}}, "the mask of object 9 is empty"),
        ({"do": "draw", "frame": 0, "masks": {"0": runs_of(mask())}}, "label is 0, expected a whole number from 1"),
        ({"do": "forget", "frame": 2}, "nothing was drawn in frame 2"),
        ({"do": "review", "frame": 9, "mark": "accepted"}, "there is no frame 9"),
        ({"do": "review", "frame": 1, "mark": None}, "the review mark is None"),
        ({"do": "redo"}, "there is nothing to do again"),
        ({"do": "remove", "label": 4}, "there is no object 4"),
    ],
)
def test_what_is_refused_changes_nothing_now_and_after_a_crash(sit_down, deed, sentence):
    desk = sit_down()
    desk.do(draw(1, _1=mask()))
    before = seen(desk)
    with pytest.raises(UsageError, match=sentence):
        desk.do(deed)
    assert seen(desk) == before
    crash(desk)
    assert seen(sit_down()) == before


def test_pages_hear_of_frames_that_changed_and_of_no_others(sit_down):
    told = []
    desk = sit_down(told)
    while desk.idle():
        pass
    desk.do(draw(4, _1=mask()))
    told.clear()
    while desk.idle():
        pass
    assert [(kind, data["index"]) for kind, data in told] == [("frame", 4)]
    assert np.array_equal(read_runs(told[0][1]["runs"], (SIZE, SIZE)) == 1, mask())
    told.clear()
    list(desk.propagate("forward"))
    assert [data["index"] for kind, data in told if kind == "frame"] == [4, 5]
