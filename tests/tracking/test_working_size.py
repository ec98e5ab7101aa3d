# SPDX-License-Identifier: Apache-2.0
"""Small and thin objects are seen larger, or told."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_i2v.errors import UsageError
from monai_i2v.inferers import PropagationInferer
from monai_i2v.session import LiveSession, VideoSession
from monai_i2v.tracking import WorkingFrames
from monai_i2v.tracking.working_size import MAX_RAISED, Width, object_widths, raised_size


def disc(diameter, frame=(540, 960), center=(200, 300)):
    rows, columns = np.mgrid[: frame[0], : frame[1]]
    return np.hypot(rows - center[0], columns - center[1]) < diameter / 2


def line(width, frame=(240, 320), length=100):
    mask = np.zeros(frame, bool)
    mask[50 : 50 + width, 20 : 20 + length] = True
    return mask


@pytest.mark.parametrize("diameter", [1, 2, 7, 25, 60])
def test_the_width_of_a_disc_is_its_diameter(diameter):
    ((px, is_line),) = object_widths(disc(diameter)[None])
    assert px == pytest.approx(diameter, abs=1.01)
    assert not is_line


@pytest.mark.parametrize("width", [1, 2, 3, 6])
def test_the_width_of_a_line_is_its_thickness(width):
    assert object_widths(line(width)[None]) == [Width(width, is_line=True)]
    assert object_widths(line(width).T[None]) == [Width(width, is_line=True)]


def test_the_frame_that_shows_an_object_best_counts_and_absent_objects_do_not():
    frames = np.stack([[line(2), line(8), 0 * line(2)], [line(5), 0 * line(1), 0 * line(2)]])
    assert [width.px for width in object_widths(frames)] == [5, 8]


@pytest.mark.parametrize(
    ("px", "frame", "size"),
    [
        (25, (480, 640), 256),  # 13 px as the network sees it
        (25, (720, 1280), 400),
        (25, (1080, 1920), 592),
        (25, (2160, 3840), MAX_RAISED),
        (10, (256, 256), 256),  # there is no more to see
        (11.8, (256, 360), 256),
        (60, (1080, 1920), 256),
        (5, (2160, 3840), 256),  # nothing would help: it is told
    ],
)
def test_the_size_follows_the_smallest_object(px, frame, size):
    assert raised_size([Width(900, False), Width(px, False)], frame) == size


class Blind:
    """A segmenter that notes what it sees."""

    def __init__(self):
        self.seen = set()

    def start(self, frame, masks):
        self.seen |= {tuple(frame.shape[-2:]), tuple(masks.shape[-2:])}
        return masks

    def step(self, frame, state):
        self.seen.add(tuple(frame.shape[-2:]))
        return state, state


FRAMES = [torch.zeros(3, 540, 960)] * 3
RAISED, PLAIN = (384, 683), (256, 455)  # its circle of 19 px needs 13.5 of 540 px


@pytest.mark.parametrize(("diameter", "size"), [(20, RAISED), (60, PLAIN)])
def test_the_network_sees_small_objects_larger_and_it_is_logged_with_its_cost(diameter, size, caplog):
    network = Blind()
    list(PropagationInferer().stream(FRAMES, network, torch.from_numpy(disc(diameter))[None].float()))
    assert network.seen == {size}
    told = "An object is 19 px wide in 960 x 540 px, so the network sees the video at size 384 instead of 256, which"
    assert (f"{told} takes about 2.2 times as long; give --size 256" in caplog.text) is (size == RAISED)


def test_a_size_that_was_given_is_obeyed_with_a_warning(caplog):
    network = Blind()
    list(PropagationInferer(256).stream(FRAMES, network, torch.from_numpy(disc(20))[None].float()))
    assert network.seen == {PLAIN}
    assert "An object is 19 px wide in 960 x 540 px, and 9.0 px as the network sees it at size 256, so" in caplog.text
    assert "or a larger --size (384 shows it well)" in caplog.text


def test_what_no_size_can_show_is_told(caplog):
    frames = WorkingFrames([torch.zeros(3, 1080, 1920)], "auto")
    frames.fit(line(2, (1080, 1920))[None])
    assert frames.size == (256, 455)
    assert "An object is 2 px wide in 1920 x 1080 px, and 0.5 px as the network sees it at size 256" in caplog.text


def test_a_session_chooses_when_it_first_carries_masks_by_all_that_was_drawn(tmp_path):
    network = Blind()
    session = VideoSession(network, FRAMES)
    session.annotate(0, disc(9).astype(int))  # partly in view yet
    session.annotate(2, disc(20).astype(int))
    list(session.propagate())
    assert network.seen == {RAISED}
    session.annotate(1, disc(6).astype(int))
    list(session.propagate())
    assert network.seen == {RAISED}  # what was found stays of use
    session.save(tmp_path / "a.session")
    again = VideoSession.load(tmp_path / "a.session", network, FRAMES)
    assert again.frames.size == RAISED
    assert np.array_equal(again[1].label_map, session[1].label_map)


def test_a_stream_keeps_the_size_that_it_began_with():
    network = Blind()
    session = LiveSession(network)
    session.annotate(FRAMES[0], disc(20).astype(int))
    session.step(FRAMES[1])
    assert network.seen == {RAISED}


@pytest.mark.parametrize("size", ["large", 3, 2.5])
def test_other_sizes_are_refused(size):
    with pytest.raises(UsageError, match=r"size is .*, expected a whole number from 16 to 4096, or None for"):
        PropagationInferer(size)
