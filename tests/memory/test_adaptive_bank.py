# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from monai_i2v.memory import AdaptiveBank


def cells(count=6, channels=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, channels, generator=generator), torch.randn(count, 3, generator=generator)


def test_the_same_frame_again_changes_nothing_and_its_opposite_doubles_the_bank():
    key, value = cells()
    bank = AdaptiveBank(key, value)
    bank.absorb(key, value)
    torch.testing.assert_close(bank.keys, key, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(bank.values, value, atol=1e-6, rtol=1e-5)
    far = AdaptiveBank(torch.eye(8)[:4], torch.ones(4, 3))
    far.absorb(-torch.eye(8)[:4], torch.ones(4, 3))
    assert len(far) == 8


def test_what_is_used_stays_and_the_budget_holds():
    bank = AdaptiveBank(*cells(), budget=20)
    favorite = bank.keys[2].clone()
    for seed in range(1, 60):
        bank.read(100 * favorite.repeat(5, 1))
        bank.absorb(*cells(seed=seed))
        assert len(bank) <= 20
    assert (bank.keys - favorite).norm(dim=1).min() < 0.5 * favorite.norm()


def test_without_threshold_and_budget_it_is_a_plain_memory():
    first, second = cells(), cells(seed=1)
    bank = AdaptiveBank(*first, threshold=1.0)
    bank.absorb(*second)
    keys, values = (torch.cat(pair) for pair in zip(first, second, strict=True))
    query = cells(seed=2)[0]
    expected = (query @ keys.T / 8**0.5).softmax(dim=1) @ values
    torch.testing.assert_close(bank.read(query), expected, atol=1e-5, rtol=0)


def test_a_cell_that_is_like_a_stored_one_moves_it_a_tenth_of_the_way_and_keeps_its_length():
    bank = AdaptiveBank(torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0]]), threshold=0.5)
    bank.absorb(torch.tensor([[3.0, 4.0]]), torch.tensor([[5.0]]))  # cosine 0.6
    assert bank.keys.tolist() == [[pytest.approx(1.92), pytest.approx(0.16)]]
    assert bank.values.tolist() == [[1.0]]
