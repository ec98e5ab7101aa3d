# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from monai_i2v.memory import MemoryBank


def frame(value, objects=1):
    """A frame of 2 x 1 cells whose key and value are this number."""
    return torch.full((1, 4, 2, 1), float(value)), torch.full((1, objects, 3, 2, 1), float(value))


def contents(bank):
    """Which numbers the bank holds, found by asking for each."""
    answers = {round(bank.read(frame(value)[0]).mean().item()) for value in range(30)}
    return sorted(answers)


def test_reference_is_never_forgotten_and_the_rest_is_first_in_first_out():
    bank = MemoryBank(capacity=3, top=1)
    for value in range(7):
        bank.write(*frame(value))
    assert contents(bank) == [0, 5, 6]
    assert len(bank) == 3


def test_unlimited_bank_keeps_all():
    bank = MemoryBank(capacity=None, top=1)
    for value in range(11):
        bank.write(*frame(value))
    assert contents(bank) == list(range(11))
    assert len(bank) == 11


def test_bank_for_one_frame_keeps_the_reference():
    bank = MemoryBank(capacity=1, top=1)
    for value in range(3):
        bank.write(*frame(value))
    assert contents(bank) == [0]


def test_one_frame_equal_to_the_query_returns_its_own_values():
    key = torch.randn(1, 8, 3, 4, generator=torch.Generator().manual_seed(0))
    value = torch.randn(1, 2, 5, 3, 4, generator=torch.Generator().manual_seed(1))
    bank = MemoryBank(top=1)
    bank.write(key, value)
    torch.testing.assert_close(bank.read(key), value)


def test_what_is_written_is_detached():
    key, value = (tensor.requires_grad_() for tensor in frame(1))
    bank = MemoryBank()
    bank.write(key, value)
    assert not bank.read(frame(1)[0]).requires_grad


def test_reading_an_empty_bank_says_what_to_do():
    with pytest.raises(RuntimeError, match="write the reference frame before the first read"):
        MemoryBank().read(frame(0)[0])


def test_capacity_must_be_positive():
    with pytest.raises(ValueError, match="capacity must be 1 or more, got 0"):
        MemoryBank(capacity=0)
