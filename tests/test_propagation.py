# SPDX-License-Identifier: Apache-2.0
import torch

from monai_i2v.propagation import propagate


class Counter:
    """A segmenter whose masks tell how many frames it has seen."""

    def start(self, frame, masks):
        return 0

    def step(self, frame, state):
        return torch.full((1, 1, 2, 2), state + 1.0), state + 1


def test_first_masks_are_the_given_ones_and_state_is_carried():
    masks = torch.full((1, 1, 2, 2), 0.5)
    probs = list(propagate(Counter(), torch.zeros(4, 1, 3, 2, 2), masks))
    assert [prob.mean().item() for prob in probs] == [0.5, 1, 2, 3]


def test_frames_are_taken_one_at_a_time():
    taken = []

    def frames():
        for index in range(5):
            taken.append(index)
            yield torch.zeros(1, 3, 2, 2)

    loop = propagate(Counter(), frames(), torch.zeros(1, 1, 2, 2))
    next(loop)
    next(loop)
    assert taken == [0, 1]
