# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from monai_i2v.memory import embed_keys, read_apart, read_memory

TOP = 5


@pytest.fixture
def rows():
    """Queries (2, 40, 8), keys (2, 600, 8) and values (2, 3, 600, 4); two videos, three objects."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator) for shape in ((2, 40, 8), (2, 600, 8), (2, 3, 600, 4))]


@pytest.mark.parametrize("cells", [600, 30])  # few cells are read by one dense product
def test_the_joint_read_is_read_memory_s_bit_for_bit(rows, cells):
    query, keys, values = rows[0], rows[1][:, :cells], rows[2][:, :, :cells]
    found = read_apart(query, embed_keys(keys), values, drawn=10, top=TOP)
    assert torch.equal(found.joint, read_memory(query, keys, values, top=TOP))


def test_the_drawn_read_knows_nothing_of_later_cells(rows):
    query, keys, values = rows
    found = read_apart(query, embed_keys(keys), values, drawn=100, top=TOP)
    torch.testing.assert_close(found.drawn, read_memory(query, keys[:, :100], values[:, :, :100], top=TOP))


def test_distances_are_those_to_the_nearest_cells(rows):
    query, keys, values = rows
    found = read_apart(query, embed_keys(keys), values, drawn=100, top=TOP)
    distances = torch.cdist(query, keys).square() / math.sqrt(8)
    torch.testing.assert_close(found.distance, distances.amin(-1), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.drawn_distance, distances[..., :100].amin(-1), atol=1e-4, rtol=1e-4)


def test_all_weight_is_drawn_while_nothing_else_is_remembered(rows):
    query, keys, values = rows
    assert read_apart(query, embed_keys(keys), values, drawn=600, top=TOP).drawn_share.allclose(torch.ones(2, 40))


def test_two_cells_at_one_distance_have_the_highest_entropy():
    keys, values = embed_keys(torch.tensor([[[-1.0], [1.0]]])), torch.zeros(1, 1, 2, 1)
    assert read_apart(torch.zeros(1, 1, 1), keys, values, drawn=2).drawn_entropy.item() == pytest.approx(1.0)
