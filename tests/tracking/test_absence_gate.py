# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
import torch.nn.functional as F

from monai_i2v.phantoms import Phantom
from monai_i2v.propagation import propagate
from monai_i2v.session import VideoSession
from monai_i2v.tracking import AbsenceGate

SIDE = 32
LEFT, RIGHT = (torch.zeros(1, 1, SIDE, SIDE) for _ in range(2))
LEFT[..., :16], RIGHT[..., 16:] = 1, 1
RED, BLUE = torch.tensor([1.0, 0, 0]), torch.tensor([0, 0, 1.0])


class Place:
    """A state whose policy would remember every frame."""

    frames = 1

    def decide(self, key, prob):
        return True


class Scripted:
    """A memory network that finds the masks that it is told to find; its keys are colors, in cells of 8 px."""

    def __init__(self, *script):
        self.script, self.remembered = script, []

    def encode_frame(self, frame):
        return {8: F.avg_pool2d(frame, 8)}

    def encode_key(self, features):
        return features[8]

    def start(self, frame, masks):
        return Place()

    def add_support(self, frame, masks, state):
        return state

    def step_from(self, features, state, *, remember=None):
        assert remember is False
        state.frames += 1
        return self.script[state.frames - 2], state

    def remember(self, features, masks, state):
        self.remembered.append(state.frames - 1)


def picture(left, right):
    return left.view(1, 3, 1, 1) * LEFT + right.view(1, 3, 1, 1) * RIGHT


def found(network, frames, masks=LEFT):
    return [prob.amax(dim=(-2, -1))[0].tolist() for prob in list(propagate(AbsenceGate(network), frames, masks))[1:]]


def test_a_mask_on_what_were_the_surroundings_is_empty_and_not_remembered_until_the_object_is_back():
    network = Scripted(0.9 * LEFT, 0.9 * LEFT, 0.9 * RIGHT)
    frames = [picture(RED, BLUE), picture(RED, BLUE), picture(BLUE, BLUE), picture(BLUE, RED)]
    assert found(network, frames) == [[pytest.approx(0.9)], [0], [pytest.approx(0.9)]]
    assert network.remembered == [1, 3]


def test_one_object_may_be_absent_while_another_is_there():
    both = torch.cat([LEFT, 0 * LEFT], dim=1)
    both[:, 1, :8, 16:] = 1
    green = torch.tensor([0, 1.0, 0])
    start = picture(RED, BLUE)
    start[..., :8, 16:] = green.view(1, 3, 1, 1)
    network = Scripted(0.9 * both)
    assert found(network, [start, picture(RED, BLUE)], both) == [[pytest.approx(0.9), 0]]
    assert network.remembered == []


def test_an_object_that_fills_the_frame_has_no_surroundings_and_stays():
    network = Scripted(LEFT)
    assert found(network, [picture(RED, RED), picture(BLUE, BLUE)], LEFT + RIGHT) == [[1]]


def test_a_further_annotated_frame_shows_what_an_object_may_look_like_too():
    network, teal = Scripted(LEFT, LEFT), torch.tensor([0.2, 0.3, 0.8])
    gate = AbsenceGate(network)
    state = gate.start(picture(RED, BLUE), LEFT)
    assert not gate.step(picture(teal, BLUE), state)[0].any()
    state = gate.add_support(picture(teal, BLUE), LEFT, gate.start(picture(RED, BLUE), LEFT))
    assert gate.step(picture(teal, BLUE), state)[0].any()


def test_without_any_mask_nothing_is_asked():
    network = Scripted(0 * LEFT)
    assert found(network, [picture(RED, BLUE)] * 2) == [[0]]


def test_a_session_takes_the_gated_network_apart(memory_net):
    phantom = Phantom(length=5, size=(64, 64))
    session = VideoSession(AbsenceGate(memory_net), phantom, size=64)
    for frame in (0, 4):
        session.annotate(frame, phantom.label_map(frame))
    assert {frame.index for frame in session.propagate()} == {0, 1, 2, 3, 4}
    assert session.tracker.network.has_memory
    assert session.tracker.network.takes_supports
