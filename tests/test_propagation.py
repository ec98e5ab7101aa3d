# SPDX-License-Identifier: Apache-2.0
import ast
from pathlib import Path

import torch

from monai_i2v import propagation
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


def calls_of_steps(path):
    """Functions of a module in which a step of a segmenter is called."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef):
            for call in ast.walk(function):
                is_step = isinstance(call, ast.Call) and getattr(call.func, "attr", None) in ("step", "step_from")
                if is_step and len(call.args) > 1:
                    yield function.name


def test_there_is_no_second_loop():
    """Who calls a step of a segmenter is the loop, or a segmenter that wraps another one.

    The systems of others in ``external/`` have a step of their own, which begins a video too.
    """
    package = Path(propagation.__file__).parent
    ours = [path for path in package.rglob("*.py") if path.parent.name != "external"]
    callers = {(path.name, name) for path in ours for name in calls_of_steps(path)}
    assert ("propagation.py", "follow") in callers
    assert {name for _, name in callers} <= {"follow", "step", "step_from"}
