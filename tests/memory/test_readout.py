# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from monai_i2v.memory import affinity, effective_neighbors, read_memory, similarity
from monai_i2v.memory.readout import kept_cells


def tokens(*shape, seed=0, scale=1.0):
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [("l2", (2 * 11 - 25) / math.sqrt(2)), ("dot", 11 / math.sqrt(2)), ("cosine", 11 / (math.sqrt(5) * 5))],
)
def test_similarity_of_two_vectors_is_the_formula(measure, expected):
    query, key = torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[3.0, 4.0]]])
    assert similarity(query, key, measure).item() == pytest.approx(expected, rel=1e-6)


def test_l2_differs_from_the_true_distance_by_a_constant_per_query():
    query, keys = tokens(1, 5, 8), tokens(1, 7, 8, seed=1)
    true = -torch.cdist(query, keys).square() / math.sqrt(8)
    difference = similarity(query, keys) - true
    torch.testing.assert_close(difference, difference[..., :1].expand_as(difference))


def test_unknown_measure_names_the_choices():
    with pytest.raises(ValueError, match="one of 'l2', 'dot', 'cosine', got 'l1'"):
        similarity(torch.zeros(1, 1, 2), torch.zeros(1, 1, 2), "l1")


@pytest.mark.parametrize(("top", "kept"), [(None, 10), (0.2, 2), (0.25, 3), (1.0, 10), (3, 3), (99, 10), (0.001, 1)])
def test_top_is_a_number_or_a_share(top, kept):
    assert kept_cells(top, 10) == kept
    weights = affinity(tokens(1, 4, 10), top)
    assert (weights > 0).sum(-1).tolist() == [[kept] * 4]
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 4, dtype=torch.float64))


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 100.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_stay_finite_for_keys_of_any_size(scale, dtype):
    query, keys = (scale * tokens(1, 20, 64, seed=seed).to(dtype) for seed in (0, 1))
    weights = affinity(similarity(query, keys), top=5)
    assert weights.isfinite().all()
    torch.testing.assert_close(weights.float().sum(-1), torch.ones(1, 20), atol=2e-2, rtol=0)


def brute_force(query, keys, values, top):
    """Read-out cell by cell, in double precision."""
    readout = torch.zeros(values.shape[1], query.shape[1], values.shape[-1], dtype=torch.float64)
    for cell in range(query.shape[1]):
        scores = -(query[0, cell] - keys[0]).square().sum(-1) / math.sqrt(query.shape[-1])
        best = scores.topk(kept_cells(top, len(scores))).indices
        readout[:, cell] = torch.einsum("m,kmv->kv", scores[best].softmax(0), values[0][:, best])
    return readout.unsqueeze(0)


@pytest.mark.parametrize("top", [None, 0.2, 3, 1])
@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_read_equals_brute_force_in_chunks_of_any_size(top, rows, monkeypatch):
    query, keys, values = tokens(1, 30, 8), tokens(1, 50, 8, seed=1), tokens(1, 2, 50, 4, seed=2)
    monkeypatch.setattr("monai_i2v.memory.readout.CHUNK_BYTES", rows * 50 * 8)
    torch.testing.assert_close(read_memory(query, keys, values, top=top), brute_force(query, keys, values, top))


def test_read_with_gradients_equals_read_without():
    query, keys, values = tokens(2, 9, 8), tokens(2, 20, 8, seed=1), tokens(2, 3, 20, 4, seed=2)
    plain = read_memory(query, keys, values, top=2)
    torch.testing.assert_close(read_memory(query.requires_grad_(), keys, values, top=2).detach(), plain)


def test_order_of_memory_cells_and_doubled_cells_change_nothing():
    query, keys, values = tokens(1, 9, 8), tokens(1, 20, 8, seed=1), tokens(1, 1, 20, 4, seed=2)
    readout = read_memory(query, keys, values)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(read_memory(query, keys[:, order], values[:, :, order]), readout)
    torch.testing.assert_close(read_memory(query, keys.repeat(1, 2, 1), values.repeat(1, 1, 2, 1)), readout)


def test_memory_of_one_video_serves_many_frames():
    query, keys, values = tokens(3, 9, 8), tokens(1, 20, 8, seed=1), tokens(1, 2, 20, 4, seed=2)
    together = read_memory(query, keys, values, top=4)
    alone = torch.cat([read_memory(frame, keys, values, top=4) for frame in query.split(1)])
    torch.testing.assert_close(together, alone)


def test_effective_neighbors_of_uniform_weights_is_their_number():
    assert effective_neighbors(torch.full((1, 1, 8), 1 / 8)).item() == pytest.approx(8)
    assert effective_neighbors(torch.tensor([[[0.0, 1.0, 0.0]]])).item() == pytest.approx(1)
