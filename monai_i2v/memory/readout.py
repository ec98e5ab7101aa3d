# SPDX-License-Identifier: Apache-2.0
"""Space-time memory read: how much each query cell takes from each memory cell, and what it gets.

Axes: `B` videos, `K` objects, `D` key, `V` value, `M` memory cells, `Q` query cells. All tensors are token-major
(cells before channels): a row is then one cell, which is what matrix products, `topk` and `embedding_bag` like best.

Scores and softmax are in float32 or better, whatever the dtype and also under autocast: a squared distance loses in
half precision what tells neighbors apart.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from monai_i2v.memory.affinity import affinity, best_cells, kept_cells
from monai_i2v.memory.similarity import Measure, at_same_precision, embed_keys, embed_query

__all__ = ["MAX_BYTES", "Cells", "find_cells", "read_cells", "read_memory"]

MAX_BYTES = 64 << 20
"""Bytes that a read aims at holding beside its result; about half of it is the scores of one chunk."""

# Query cells per chunk and memory cells per tile: enough for an efficient matrix product, few enough for the cache.
CHUNK_ROWS = 256
TILE_CELLS = 32_000
# Above this share of kept cells one dense product is faster than gathering rows.
DENSE_SHARE = 0.1


def read_memory(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    measure: Measure = "l2",
    top_k: int | None = None,
    max_bytes: int = MAX_BYTES,
) -> Tensor:
    """What each query cell reads from the memory: the values of similar cells, weighted by affinity.

    A memory of one video (B = 1) serves any number of queries, frames of that video. Affinity is computed once for all
    objects. Without gradients the queries are taken in chunks, so that temporaries stay small however large the memory
    is; with gradients, backward needs all weights.

    Args:
        query: (B, Q, D).
        keys: (B, M, D).
        values: (B, K, M, V).
        measure: see `similarity`.
        top_k: memory cells that a query keeps; None for all.
        max_bytes: bytes of temporaries to aim at, when there are no gradients.

    Returns:
        (B, K, Q, V), in the values' dtype.

    Raises:
        ValueError: When `measure` is unknown, or `max_bytes` is less than 1.
    """
    if max_bytes < 1:
        raise ValueError(f"max_bytes must be 1 or more, got {max_bytes}; {MAX_BYTES} is the default.")
    b, q = query.shape[:2]
    shared = keys.shape[0] == values.shape[0] == 1
    if shared:
        query = query.reshape(1, b * q, -1)
    n = query.shape[0]
    with torch.autocast(query.device.type, enabled=False):
        query, keys = at_same_precision(embed_query(query, measure), embed_keys(keys, measure))
        memory = keys.expand(n, -1, -1), values.expand(n, -1, -1, -1)
        if torch.compiler.is_exporting():
            readout = _read_at_once(query, *memory, top_k)
        elif torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (query, keys, values)):
            readout = _read_with_gradients(query, *memory, top_k)
        else:
            readout = values.new_empty((n, values.shape[1], query.shape[1], values.shape[3]))
            for video in zip(query, *memory, readout, strict=True):
                _read_video(*video, top_k=top_k, max_bytes=max_bytes)
    return readout.squeeze(0).unflatten(1, (b, q)).transpose(0, 1) if shared else readout


class Cells(NamedTuple):
    """The memory cells that are most like each query cell, in no order."""

    scores: Tensor  # (B, Q, cells)
    places: Tensor  # (B, Q, cells), in the memory

    def joined(self, others: Cells, offset: int) -> Cells:
        """The best of these and of as many of another memory, which lies `offset` cells behind the one of these."""
        scores = torch.cat([self.scores, others.scores], dim=-1)
        best, chosen = scores.topk(self.scores.shape[-1], dim=-1, sorted=False)
        return Cells(best, torch.cat([self.places, others.places + offset], dim=-1).gather(-1, chosen))


def find_cells(query: Tensor, keys: Tensor, top_k: int, *, max_bytes: int = MAX_BYTES) -> Cells:
    """The first half of `read_memory` without gradients: whoever reads two memories of one frame compares cells once.

    Args:
        query: (B, Q, D), embedded.
        keys: (B, M, D), embedded.
        top_k: memory cells that a query keeps, at most all.
        max_bytes: see `read_memory`.

    Example::

        >>> import torch
        >>> from monai_i2v.memory import find_cells
        >>> find_cells(torch.ones(1, 1, 1), torch.tensor([[[3.0], [9.0]]]), top_k=1)
        Cells(scores=tensor([[[9.]]]), places=tensor([[[1]]]))
    """
    count, size = min(top_k, keys.shape[1]), keys.element_size()
    tile = min(keys.shape[1], TILE_CELLS)
    rows = max(1, min(_chunk_rows(query.shape[1], query), max_bytes // (2 * size * tile + (2 * size + 8) * count)))
    buffer = keys.new_empty((rows * tile,))
    found = [
        [_nearest(part, one_keys, buffer, count) for part in one.split(rows)]
        for one, one_keys in zip(query, keys, strict=True)
    ]
    scores, places = (torch.stack([torch.cat([part[n] for part in parts]) for parts in found]) for n in (0, 1))
    return Cells(scores, places)


def read_cells(cells: Cells, values: Tensor) -> Tensor:
    """The second half: the values (B, K, M, V) of cells, weighted by affinity; (B, K, Q, V), in the values' dtype."""
    readout = values.new_empty((*values.shape[:2], cells.scores.shape[1], values.shape[3]))
    for best, places, value, out in zip(*cells, values, readout, strict=True):
        _sum_few(best, places, value, out)
    return readout


def _read_with_gradients(query: Tensor, keys: Tensor, values: Tensor, top_k: int | None) -> Tensor:
    weights = affinity(torch.bmm(query, keys.transpose(1, 2)), top_k).to(values.dtype)
    return torch.stack([weights @ by_object for by_object in values.unbind(1)], dim=1)  # (B, K, Q, V)


def _read_at_once(query: Tensor, keys: Tensor, values: Tensor, top_k: int | None) -> Tensor:
    """For export: no chunks, and no choice that depends on a size. Cells without weight stand in for missing ones."""
    scores = torch.bmm(query, keys.transpose(1, 2))
    if top_k is None:
        return torch.einsum("bqm,bkmv->bkqv", affinity(scores).to(values.dtype), values)
    best, places = F.pad(scores, (0, top_k), value=float("-inf")).topk(top_k, dim=-1)
    videos = torch.arange(values.shape[0], device=values.device).view(-1, 1, 1)
    near = values.transpose(1, 2)[videos, places.clamp_max(values.shape[2] - 1)]  # (B, Q, top_k, K, V)
    readout = best.softmax(dim=-1).to(values.dtype).unsqueeze(2) @ near.flatten(3)  # (B, Q, 1, K * V)
    return readout.squeeze(2).unflatten(2, near.shape[-2:]).transpose(1, 2)


def _read_video(
    query: Tensor, keys: Tensor, values: Tensor, readout: Tensor, *, top_k: int | None, max_bytes: int
) -> None:
    """Fill the read-out (K, Q, V) of one video, chunk by chunk; the other tensors lack `B` likewise."""
    cells, size = keys.shape[0], keys.element_size()
    count = kept_cells(top_k, cells)
    dense = count > DENSE_SHARE * cells
    tile = cells if dense else min(cells, TILE_CELLS)
    kept_bytes = (2 * size + 8) * count if count < cells else 0  # their scores, weights and places
    rows = max(1, min(_chunk_rows(query.shape[0], query), max_bytes // (2 * size * tile + kept_bytes)))
    # One buffer for all chunks: the page faults of a new one can cost more than the product that fills it.
    buffer = keys.new_empty((rows * tile,))
    for part, out in zip(query.split(rows), readout.split(rows, dim=1), strict=True):
        if dense:
            _sum_all(_score(part, keys, buffer), values, out, count)
        else:
            _sum_few(*_nearest(part, keys, buffer, count), values, out)


def _sum_all(scores: Tensor, values: Tensor, out: Tensor, count: int) -> None:
    """Write the weighted sums of all values (K, M, V) to `out` (K, Q, V)."""
    weights = affinity(scores, count).to(values.dtype)
    for value, result in zip(values, out, strict=True):
        torch.mm(weights, value, out=result)


def _sum_few(best: Tensor, places: Tensor, values: Tensor, out: Tensor) -> None:
    """Write the weighted sums of a few values, those at `places` (Q, count), to `out` (K, Q, V)."""
    weights = best.softmax(dim=-1).to(values.dtype)
    for value, result in zip(values, out, strict=True):
        result.copy_(F.embedding_bag(places, value, mode="sum", per_sample_weights=weights))


def _chunk_rows(rows: int, query: Tensor) -> int:
    """Query cells to take at a time: a GPU has no cache to stay within, and wants few and large products."""
    return min(CHUNK_ROWS, rows) if query.device.type == "cpu" else rows


def _score(query: Tensor, keys: Tensor, buffer: Tensor) -> Tensor:
    """Similarities (Q, M), written into the buffer."""
    q, m = query.shape[0], keys.shape[0]
    return torch.mm(query, keys.t(), out=buffer[: q * m].view(q, m))


def _nearest(query: Tensor, keys: Tensor, buffer: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Scores and places (Q, count) of the best cells, from tiles of the memory that fit the buffer."""
    tile = buffer.shape[0] // query.shape[0]
    found = []
    for start, part in zip(range(0, keys.shape[0], tile), keys.split(tile), strict=True):
        best, places = best_cells(_score(query, part, buffer), min(count, part.shape[0]))
        found.append((best, places + start))
    best, places = (torch.cat(tiles, dim=-1) for tiles in zip(*found, strict=True))
    if len(found) == 1:
        return best, places
    best, chosen = best.topk(count, dim=-1, sorted=False)
    return best, places.gather(-1, chosen)
