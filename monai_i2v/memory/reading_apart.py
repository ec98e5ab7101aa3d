# SPDX-License-Identifier: Apache-2.0
"""A memory read twice: what all frames say, what the drawn ones alone say, and how well either matches.

Axes: `B` videos, `K` objects, `D` key, `V` value, `M` memory cells, `Q` query cells; cells before channels, as in
`readout`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from monai_i2v.memory.readout import (
    CHUNK_ROWS,
    DENSE_SHARE,
    MAX_BYTES,
    TILE_CELLS,
    Top,
    _nearest,
    _score,
    _sum_all,
    _sum_few,
    best_cells,
    embed_query,
    kept_cells,
)

__all__ = ["ReadApart", "read_apart"]


class ReadApart(NamedTuple):
    """Both reads, and what speaks for them."""

    joint: Tensor  # (B, K, Q, V), as `read_memory` gives it
    drawn: Tensor  # (B, K, Q, V), from the drawn frames alone
    drawn_distance: Tensor  # (B, Q), squared distance over sqrt(D) to the nearest drawn cell
    distance: Tensor  # (B, Q), to the nearest cell of all
    drawn_share: Tensor  # (B, Q), the joint read's weight that lies on drawn cells
    drawn_entropy: Tensor  # (B, Q), of the drawn read's weights; 1 when all are alike


@torch.no_grad()
def read_apart(
    query: Tensor, keys: Tensor, values: Tensor, *, drawn: int, top: Top = None, max_bytes: int = MAX_BYTES
) -> ReadApart:
    """`read_memory` of all cells, and of the first `drawn` ones alone; there are no gradients.

    Args:
        query: (B, Q, D), as it is.
        keys: (B, M, D + 1), embedded for ``"l2"`` (see `embed_keys`).
        values: (B, K, M, V).
        drawn: cells in front that belong to drawn frames.
        top: memory cells that a query keeps, in either read.
        max_bytes: see `read_memory`.

    Example::

        >>> import torch
        >>> from monai_i2v.memory import embed_keys, read_apart
        >>> keys = embed_keys(torch.tensor([[[0.0], [3.0]]]))  # a drawn cell at 0, a remembered one at 3
        >>> found = read_apart(torch.tensor([[[2.0]]]), keys, torch.tensor([[[[5.0], [7.0]]]]), drawn=1, top=1)
        >>> [part.item() for part in (found.joint, found.drawn, found.distance, found.drawn_distance)]
        [7.0, 5.0, 1.0, 4.0]
    """
    with torch.autocast(query.device.type, enabled=False):
        plain = query.float()
        own = plain.square().sum(dim=-1) / math.sqrt(plain.shape[-1])  # (B, Q)
        videos = zip(embed_query(plain), keys, values, strict=True)
        found = [_read_video(*video, drawn=drawn, top=top, max_bytes=max_bytes) for video in videos]
        joint, alone, numbers = (torch.stack(parts) for parts in zip(*found, strict=True))
        best_drawn, best, share, entropy = numbers.unbind(-1)
        return ReadApart(joint, alone, (own - best_drawn).clamp_min(0), (own - best).clamp_min(0), share, entropy)


def _read_video(
    query: Tensor, keys: Tensor, values: Tensor, *, drawn: int, top: Top, max_bytes: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Both read-outs (K, Q, V) and numbers (Q, 4) of one video, in the chunks of `read_memory`."""
    joint = values.new_empty((values.shape[0], query.shape[0], values.shape[2]))
    alone, numbers = torch.empty_like(joint), query.new_empty((query.shape[0], 4))
    cells, size = keys.shape[0], keys.element_size()
    count = kept_cells(top, cells)
    dense = count > DENSE_SHARE * cells
    tile = cells if dense else min(cells, TILE_CELLS)
    kept_bytes = (2 * size + 8) * count if count < cells else 0
    rows = max(1, min(CHUNK_ROWS, query.shape[0], max_bytes // (2 * size * tile + kept_bytes)))
    buffer = keys.new_empty((rows * tile,))
    parts = (query.split(rows), joint.split(rows, dim=1), alone.split(rows, dim=1), numbers.split(rows))
    for part, all_out, drawn_out, found in zip(*parts, strict=True):
        if dense:
            scores = _score(part, keys, buffer)
            best, places = best_cells(scores, count)
            _sum_all(scores, values, all_out, count)
        else:
            best, places = _nearest(part, keys, buffer, count)
            _sum_few(best, places, values, all_out)
        near, near_places = _nearest(part, keys[:drawn], buffer, min(drawn, kept_cells(top, drawn)))
        _sum_few(near, near_places, values[:, :drawn], drawn_out)
        weights = best.softmax(dim=-1)
        entropy = torch.special.entr(near.softmax(dim=-1)).sum(dim=-1) / math.log(max(2, near.shape[-1]))
        share = (weights * (places < drawn)).sum(dim=-1)
        found.copy_(torch.stack([near.amax(dim=-1), best.amax(dim=-1), share, entropy], dim=-1))
    return joint, alone, numbers
