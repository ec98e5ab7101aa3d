# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from monai_i2v.memory import (
    affinity,
    embed_keys,
    embed_query,
    find_cells,
    read_cells,
    read_memory,
    similarity,
)
from monai_i2v.memory.affinity import GROUP, best_cells, kept_cells

TOPS = [None, 8, 40, 3, 1, 99]  # dense and sparse; all, many, few, one, more than there are


def tokens(*shape, seed=0, scale=1.0, dtype=torch.float64):
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def memory(cells=50, *, videos=1, queries=30, dtype=torch.float64):
    """Query, keys and values of two objects."""
    shapes = (videos, queries, 8), (videos, cells, 8), (videos, 2, cells, 4)
    return [tokens(*shape, seed=seed, dtype=dtype) for seed, shape in enumerate(shapes)]


def brute_force(query, keys, values, top_k):
    """Read-out cell by cell, in double precision."""
    query, keys, values = query.double(), keys.double(), values.double()
    readout = torch.zeros(*values.shape[:2], query.shape[1], values.shape[-1], dtype=torch.float64)
    for video in range(query.shape[0]):
        for cell in range(query.shape[1]):
            scores = -(query[video, cell] - keys[video]).square().sum(-1) / math.sqrt(query.shape[-1])
            best = scores.topk(kept_cells(top_k, len(scores))).indices
            readout[video, :, cell] = torch.einsum("m,kmv->kv", scores[best].softmax(0), values[video][:, best])
    return readout


def relative_error(ours, truth):
    return ((ours - truth).abs().max() / truth.abs().max()).item()


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
    with pytest.raises(ValueError, match="one of 'l2', 'dot', 'cosine', 'product', got 'l1'"):
        similarity(torch.zeros(1, 1, 2), torch.zeros(1, 1, 2), "l1")


@pytest.mark.parametrize(("top_k", "kept"), [(None, 10), (10, 10), (3, 3), (99, 10), (1, 1)])
def test_so_many_cells_are_kept(top_k, kept):
    assert kept_cells(top_k, 10) == kept
    weights = affinity(tokens(1, 4, 10), top_k)
    assert (weights > 0).sum(-1).tolist() == [[kept] * 4]
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 4, dtype=torch.float64))


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 100.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_weights_stay_finite_for_keys_of_any_size(scale, dtype):
    query, keys = (tokens(1, 20, 64, seed=seed, scale=scale, dtype=dtype) for seed in (0, 1))
    weights = affinity(similarity(query, keys), top_k=5)
    assert weights.isfinite().all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 20))


@pytest.mark.parametrize("cells", [40, 16 * GROUP, 1000, 1001])
@pytest.mark.parametrize("count", [1, 3, 7])
@pytest.mark.parametrize("levels", [3, 10**6])  # many ties, and none
def test_best_cells_are_those_of_topk(cells, count, levels):
    scores = tokens(2, 5, cells).mul(levels).round()
    best, places = best_cells(scores, count)
    assert torch.equal(best.sort().values, scores.topk(count).values.sort().values)
    assert torch.equal(scores.gather(-1, places), best)
    assert all(len(row.unique()) == count for row in places.flatten(0, 1))


@pytest.mark.parametrize("top_k", TOPS)
@pytest.mark.parametrize("tile", [1, 7, 1000])
@pytest.mark.parametrize("max_bytes", [1, 8000, 1 << 20])
def test_read_equals_brute_force_in_chunks_and_tiles_of_any_size(top_k, tile, max_bytes, monkeypatch):
    monkeypatch.setattr("monai_i2v.memory.readout.TILE_CELLS", tile)
    tensors = memory()
    torch.testing.assert_close(read_memory(*tensors, top_k=top_k, max_bytes=max_bytes), brute_force(*tensors, top_k))


@pytest.mark.parametrize("top_k", TOPS)
@pytest.mark.parametrize(
    ("dtype", "bound"), [(torch.float32, 2e-6), (torch.bfloat16, 1e-2), (torch.float16, 1e-3)], ids=str
)
def test_error_of_a_read_is_that_of_its_values(top_k, dtype, bound):
    tensors = memory(cells=600, dtype=dtype)
    readout = read_memory(*tensors, top_k=top_k)
    assert readout.dtype == dtype
    assert relative_error(readout.double(), brute_force(*tensors, top_k)) < bound


@pytest.mark.parametrize("top_k", TOPS)
def test_autocast_changes_nothing(top_k):
    tensors = memory(dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        readout = read_memory(*tensors, top_k=top_k)
    assert torch.equal(readout, read_memory(*tensors, top_k=top_k))


@pytest.mark.parametrize("top_k", TOPS)
@pytest.mark.parametrize("tensor", range(3), ids=["query", "keys", "values"])
def test_read_with_gradients_equals_read_without(top_k, tensor):
    tensors = memory(videos=2)
    plain = read_memory(*tensors, top_k=top_k)
    tensors[tensor].requires_grad_()
    readout = read_memory(*tensors, top_k=top_k)
    assert readout.requires_grad
    torch.testing.assert_close(readout.detach(), plain)


@pytest.mark.parametrize("top_k", [None, 2, 1])
@pytest.mark.parametrize("measure", ["l2", "dot", "cosine"])
def test_gradients_are_those_of_the_function(top_k, measure):
    tensors = [tensor.requires_grad_() for tensor in memory(cells=24, queries=2)]
    torch.autograd.gradcheck(lambda *tensors: read_memory(*tensors, measure=measure, top_k=top_k), tensors)


@pytest.mark.parametrize("top_k", TOPS)
def test_layout_of_the_inputs_does_not_matter(top_k):
    query, keys, values = memory(videos=2)
    columns = (
        query.mT.contiguous().mT,
        keys.mT.contiguous().mT,
        values.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0),
    )
    assert not any(tensor.is_contiguous() for tensor in columns)
    torch.testing.assert_close(read_memory(*columns, top_k=top_k), brute_force(query, keys, values, top_k))


@pytest.mark.parametrize("top_k", TOPS)
@pytest.mark.parametrize("needs_grad", [False, True])
def test_memory_of_one_video_serves_many_frames(top_k, needs_grad):
    query, keys, values = tokens(3, 9, 8), tokens(1, 20, 8, seed=1), tokens(1, 2, 20, 4, seed=2)
    query.requires_grad_(needs_grad)
    together = read_memory(query, keys, values, top_k=top_k)
    alone = torch.cat([read_memory(frame, keys, values, top_k=top_k) for frame in query.split(1)])
    expanded = read_memory(query, keys.expand(3, -1, -1), values.expand(3, -1, -1, -1), top_k=top_k)
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(together, expanded)


@pytest.mark.parametrize("top_k", TOPS)
def test_constant_values_are_read_as_they_are(top_k):
    query, keys, values = memory(videos=2)
    readout = read_memory(query, keys, torch.full_like(values, 7), top_k=top_k)
    torch.testing.assert_close(readout, torch.full_like(readout, 7))


@pytest.mark.parametrize("top_k", [50, 500, 10**4])
def test_keeping_all_cells_is_plain_softmax(top_k):
    tensors = memory(cells=50)
    assert torch.equal(read_memory(*tensors, top_k=top_k), read_memory(*tensors, top_k=None))


@pytest.mark.parametrize("top_k", [None, 2, 3])
def test_order_of_memory_cells_changes_nothing(top_k):
    query, keys, values = memory()
    order = torch.randperm(50, generator=torch.Generator().manual_seed(0))
    shuffled = read_memory(query, keys[:, order], values[:, :, order], top_k=top_k)
    torch.testing.assert_close(shuffled, read_memory(query, keys, values, top_k=top_k))


@pytest.mark.parametrize(("top_k", "doubled"), [(None, None), (4, 8), (3, 6)])
def test_a_memory_written_twice_changes_nothing(top_k, doubled):
    query, keys, values = memory()
    twice = read_memory(query, keys.repeat(1, 2, 1), values.repeat(1, 1, 2, 1), top_k=doubled)
    torch.testing.assert_close(twice, read_memory(query, keys, values, top_k=top_k))


class LargestTensor(TorchDispatchMode):
    """Remember the bytes of the largest tensor that an operation returned."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        sizes = [leaf.numel() * leaf.element_size() for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        self.bytes = max([self.bytes, *sizes])
        return result


@pytest.mark.parametrize("top_k", [None, 800, 30])
def test_temporaries_stay_within_the_byte_budget(top_k):
    query, keys = tokens(1, 100, 4, dtype=torch.float32), tokens(1, 50_000, 4, seed=1, dtype=torch.float32)
    values, rows = keys[:, None], embed_keys(keys)
    with LargestTensor() as largest:
        read_memory(embed_query(query), rows, values, measure="product", top_k=top_k, max_bytes=4 << 20)
    assert 1 << 20 < largest.bytes <= 2 << 20  # scores take half; all of them would take 20 MB


def test_byte_budget_must_be_positive():
    with pytest.raises(ValueError, match="max_bytes must be 1 or more, got 0"):
        read_memory(*memory(), max_bytes=0)


@pytest.mark.parametrize("top_k", [1, 7, 500])
def test_cells_of_two_parts_of_a_memory_read_as_the_whole_memory_does(top_k):
    generator = torch.Generator().manual_seed(0)
    query, keys = (torch.randn(2, n, 8, generator=generator) for n in (300, 900))
    values = torch.randn(2, 3, 900, 5, generator=generator)
    first = find_cells(query, keys[:, :600], top_k)
    both = first.joined(find_cells(query, keys[:, 600:], top_k), offset=600)
    expected = read_memory(query, keys, values, measure="product", top_k=top_k)
    torch.testing.assert_close(read_cells(both, values), expected, atol=1e-5, rtol=1e-5)
    drawn = read_memory(query, keys[:, :600], values[:, :, :600], measure="product", top_k=top_k)
    torch.testing.assert_close(read_cells(first, values), drawn, atol=1e-5, rtol=1e-5)
