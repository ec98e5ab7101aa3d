# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from monai_i2v.inferers import TrustGate
from monai_i2v.propagation import propagate


class Scripted:
    """A memory network that says what it is told to, one probability per frame and object."""

    def __init__(self, *script):
        self.script, self.remembered = script, []

    def start(self, frame, masks):
        return 0

    def encode_frame(self, frame):
        return {}

    def step_from(self, features, state, *, remember=None):
        assert remember is False
        prob = torch.tensor(self.script[state]).view(1, -1, 1, 1).expand(-1, -1, 4, 4).clone()
        return prob, state + 1

    def is_turn(self, state, prob):
        return True

    def remember(self, features, masks, state):
        self.remembered.append((state, [mask.max().item() for mask in masks[0]]))


def run(network, objects=1, **settings):
    gate = TrustGate(network, **settings)
    frames = torch.zeros(len(network.script) + 1, 1, 3, 4, 4)
    found = propagate(gate, frames, torch.ones(1, objects, 4, 4))
    return [[round(mask.max().item(), 2) for mask in prob[0]] for prob in list(found)[1:]]


def test_an_object_that_is_much_less_sure_than_usual_is_absent_until_it_is_sure_again():
    network = Scripted([0.95], [0.95], [0.6], [0.75], [0.95], [0.75])  # sure by 0.9, 0.9, 0.2, 0.5, 0.9, 0.5
    assert run(network, leaves_below=0.4, returns_above=0.6) == [[0.95], [0.95], [0], [0], [0.95], [0.75]]


def test_frames_without_any_object_are_not_remembered():
    network = Scripted([0.95], [0.6], [0.95])
    run(network)
    assert [state for state, _ in network.remembered] == [1, 3]


def test_an_absent_object_is_remembered_as_absent_beside_others():
    network = Scripted([0.55, 0.6], [0.9, 0.51], [0.9, 0.05])
    assert run(network, objects=2)[1:] == [[0.9, 0], [0.9, 0]]
    assert network.remembered[1] == (2, [pytest.approx(0.9), 0])


def test_what_is_usual_is_learned_from_the_video():
    unsure = Scripted([0.6], [0.6], [0.6])  # sure by 0.2, always: a video of another kind, no absence
    assert run(unsure) == [[0.6]] * 3


def test_an_object_that_was_never_there_does_not_appear_from_nothing():
    network = Scripted([0.4], [0.4])
    assert run(network) == [[0], [0]]


def test_returning_must_not_be_easier_than_leaving():
    with pytest.raises(ValueError, match=r"returns_above is 0.2, but leaves_below 0.4"):
        TrustGate(Scripted(), returns_above=0.2)
