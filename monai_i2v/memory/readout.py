# SPDX-License-Identifier: Apache-2.0
"""Space-time memory read: how much each query cell takes from each memory cell, and what it gets.

Axes: `B` videos, `K` objects, `D` key, `V` value, `M` memory cells, `Q` query cells. All tensors are token-major
(cells before channels): a row is then one cell, which is what matrix products, `topk` and `embedding_bag` like best.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Measure", "Top", "affinity", "effective_neighbors", "read_memory", "similarity"]

Measure: TypeAlias = Literal["l2", "dot", "cosine"]
Top: TypeAlias = int | float | None
"""Memory cells that a query keeps: a number (30), a share (0.2 keeps 20 %), or None for all."""

# A query's row of the affinity is read, ranked and written; a chunk of rows should stay in the cache.
CHUNK_BYTES = 8 << 20
# Above this share of kept cells one dense product is faster than gathering rows.
DENSE_SHARE = 0.1


def similarity(query: Tensor, keys: Tensor, measure: Measure = "l2", squares: Tensor | None = None) -> Tensor:
    """Similarity of each query cell to each memory cell, up to a constant per query that softmax ignores.

    Args:
        query: (B, Q, D).
        keys: (B, M, D).
        measure: ``"l2"``, the negative squared distance over sqrt(D) (STCN 3.2, TTT paper eq. 1), without the query's
            own square; ``"dot"``, the product over sqrt(D); ``"cosine"``.
        squares: squared norms (B, M) of `keys`, when the caller has them.

    Returns:
        (B, Q, M).

    Raises:
        ValueError: When `measure` is none of the three.
    """
    scale = 1 / math.sqrt(keys.shape[-1])
    if measure == "l2":
        squares = keys.square().sum(-1) if squares is None else squares
        return torch.baddbmm(-scale * squares.unsqueeze(1), query, keys.transpose(1, 2), alpha=2 * scale)
    if measure == "dot":
        return scale * query @ keys.transpose(1, 2)
    if measure == "cosine":
        return F.normalize(query, dim=-1) @ F.normalize(keys, dim=-1).transpose(1, 2)
    raise ValueError(f"measure must be one of 'l2', 'dot', 'cosine', got {measure!r}; the papers use 'l2'.")


def kept_cells(top: Top, cells: int) -> int:
    """Number of memory cells that `top` keeps out of `cells`: at least 1, at most all."""
    if top is None:
        return cells
    count = math.ceil(top * cells) if isinstance(top, float) else top
    return max(1, min(count, cells))


def affinity(scores: Tensor, top: Top = None) -> Tensor:
    """Turn similarities into weights: softmax over the `top` memory cells of each query, zero elsewhere.

    The best cells are chosen jointly over all memory frames. Softmax is shifted by the maximum, so it stays finite for
    keys of any size (unlike in STCN, XMem and Cutie).

    Args:
        scores: similarities (B, Q, M).
        top: memory cells that a query keeps.

    Returns:
        Weights (B, Q, M); each row sums to 1.
    """
    count = kept_cells(top, scores.shape[-1])
    if count == scores.shape[-1]:
        return scores.softmax(dim=-1)
    best, cells = scores.topk(count, dim=-1, sorted=False)
    return torch.zeros_like(scores).scatter(-1, cells, best.softmax(dim=-1))


def read_memory(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    measure: Measure = "l2",
    top: Top = None,
    squares: Tensor | None = None,
) -> Tensor:
    """What each query cell reads from the memory: the values of similar cells, weighted by affinity.

    A memory of one video (B = 1) serves any number of queries, frames of that video. Without gradients the queries are
    taken in chunks, so that temporaries stay small however large the memory is.

    Args:
        query: (B, Q, D).
        keys: (B, M, D).
        values: (B, K, M, V).
        measure: see `similarity`.
        top: memory cells that a query keeps.
        squares: squared norms (B, M) of `keys`, when the caller has them.

    Returns:
        (B, K, Q, V).
    """
    b = query.shape[0]
    keys, values = keys.expand(b, -1, -1), values.expand(b, -1, -1, -1)
    squares = None if squares is None else squares.expand(b, -1)
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (query, keys, values)):
        return affinity(similarity(query, keys, measure, squares), top).unsqueeze(1) @ values
    rows = max(1, CHUNK_BYTES // (keys.shape[1] * keys.element_size()))
    chunks = [_read_chunk(similarity(part, keys, measure, squares), values, top) for part in query.split(rows, dim=1)]
    return torch.cat(chunks, dim=2)


def _read_chunk(scores: Tensor, values: Tensor, top: Top) -> Tensor:
    count = kept_cells(top, scores.shape[-1])
    if count > DENSE_SHARE * scores.shape[-1]:
        return affinity(scores, top).unsqueeze(1) @ values
    best, cells = scores.topk(count, dim=-1, sorted=False)  # (B, Q, count)
    weights = best.softmax(dim=-1)
    return torch.stack(
        [
            torch.stack([F.embedding_bag(cell, value, mode="sum", per_sample_weights=weight) for value in by_object])
            for cell, weight, by_object in zip(cells, weights, values, strict=True)
        ]
    )


def effective_neighbors(weights: Tensor) -> Tensor:
    """Memory cells that a query really uses: the exponential of the entropy of its row of weights (..., Q, M)."""
    return torch.special.entr(weights).sum(dim=-1).exp()
