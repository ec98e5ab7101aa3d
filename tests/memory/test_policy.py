# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass

import pytest
import torch

from monai_i2v.errors import UsageError
from monai_i2v.memory import ConfidentPolicy, MemoryPolicy


def decisions(policy, probs, frame):
    return [policy.decide(None, torch.full((1, 1, 8, 8), prob), None, frame) for prob in probs]


def filled(policy, count):
    """A bank to which frames of one cell were written; frame i has the key and the value i."""
    bank = policy.new_bank()
    for value in range(count):
        bank.write(torch.full((1, 1, 1, 1), float(value)), torch.full((1, 1, 1, 1, 1), float(value)))
    return bank


def held(bank):
    return bank.values.flatten().tolist()


def test_every_fifth_frame_is_remembered():
    assert [frame for frame in range(1, 12) if MemoryPolicy().decide(None, None, None, frame)] == [5, 10]


def test_only_confident_frames_are_remembered():
    policy = ConfidentPolicy(mem_every=1, min_confidence=0.5, novelty_threshold=0)
    assert decisions(policy, (0.8, 0.74), frame=1) == [True, False]  # confident by 0.6 and by 0.48


def test_what_is_new_is_remembered_out_of_turn():
    policy = ConfidentPolicy(mem_every=5, min_confidence=0.5, novelty_threshold=0.8)
    assert decisions(policy, (0.95, 0.85, 0.7), frame=1) == [False, True, False]  # confident by 0.9, 0.7 and 0.4
    assert decisions(policy, (0.95,), frame=5) == [True]


def test_an_object_out_of_view_does_not_decide():
    policy = ConfidentPolicy(mem_every=5, min_confidence=0.5, novelty_threshold=0.8)
    alone = torch.full((1, 1, 8, 8), 0.95)
    beside_nothing = torch.cat([alone, torch.zeros_like(alone), torch.zeros_like(alone)], dim=1)
    for frame in (5, 6):  # the frame's turn, and not
        both = [policy.decide(None, prob, None, frame) for prob in (alone, beside_nothing)]
        assert both == [frame == 5] * 2
    assert not policy.decide(None, torch.zeros_like(alone), None, 5)


def test_the_oldest_is_forgotten_and_never_what_was_drawn():
    assert held(filled(MemoryPolicy(max_mem_frames=3), 6)) == [0, 5, 4]


def test_a_policy_names_what_is_forgotten():
    @dataclass(frozen=True)
    class ForgetTheNewest(MemoryPolicy):
        def evict(self, bank):
            return max(range(bank.permanent, len(bank)), key=bank.written_at.__getitem__)

    assert held(filled(ForgetTheNewest(max_mem_frames=3), 6)) == [0, 1, 5]


def test_a_policy_weighs_what_is_read():
    @dataclass(frozen=True)
    class BelieveTheDrawnFrame(MemoryPolicy):
        def weigh(self, bank):
            return torch.tensor([30.0] + [0.0] * (len(bank) - 1))

    query = torch.full((1, 1, 1, 1), 2.0)
    assert filled(MemoryPolicy(), 3).read(query).item() > 1.5
    assert filled(BelieveTheDrawnFrame(), 3).read(query).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("fraction", "kept"), [(0.2, 2), (0.25, 3), (1.0, 10), (0.001, 1)])
def test_a_fraction_of_all_cells_is_read(fraction, kept):
    bank = filled(MemoryPolicy(top_fraction=fraction), 10)
    expected = filled(MemoryPolicy(top_k=kept), 10)
    query = torch.full((1, 1, 1, 1), 4.2)
    assert bank.read(query).item() == expected.read(query).item()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"mem_every": 0}, "mem_every is 0, expected a whole number from 1 to 1000000; use 5"),
        ({"mem_every": "abc"}, "mem_every is 'abc', expected a whole number"),
        ({"max_mem_frames": 0}, "max_mem_frames is 0, expected a whole number from 1"),
        ({"top_k": 0.2}, "top_k is 0.2, expected a whole number"),
        ({"top_k": True}, "top_k is True, expected a whole number"),
        ({"top_fraction": 0}, "top_fraction is 0, expected a number from 1e-06 to 1"),
        ({"top_fraction": float("nan")}, "top_fraction is nan, expected a number"),
        ({"top_k": 3, "top_fraction": 0.2}, "expected one of them"),
        ({"reference_crops": [1.0]}, r"reference_crops is \[1.0\], expected a list of numbers from 1.01 to 16"),
        ({"reference_crops": 2.0}, "reference_crops is 2.0, expected a list"),
        ({"min_confidence": "abc"}, "min_confidence is 'abc', expected a number from 0 to 1"),
        ({"novelty_threshold": float("nan")}, "novelty_threshold is nan, expected a number from 0 to 1"),
    ],
)
def test_settings_out_of_range_are_one_sentence(settings, sentence):
    with pytest.raises(UsageError, match=sentence):
        ConfidentPolicy(**settings)
