# SPDX-License-Identifier: Apache-2.0
"""How much cells resemble each other, as a matrix product.

Axes: `B` videos, `D` key, `M` memory cells, `Q` query cells. Similarities are in float32 or better, whatever the dtype
and also under autocast: a squared distance loses in half precision what tells neighbors apart.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Measure", "at_same_precision", "embed_keys", "embed_query", "similarity"]

Measure: TypeAlias = Literal["l2", "dot", "cosine", "product"]


def similarity(query: Tensor, keys: Tensor, measure: Measure = "l2") -> Tensor:
    """Similarity of each query cell to each memory cell, up to a constant per query that softmax ignores.

    Args:
        query: (B, Q, D).
        keys: (B, M, D).
        measure: ``"l2"``, the negative squared distance over sqrt(D) (STCN 3.2, TTT paper eq. 1), without the query's
            own square; ``"dot"``, the product over sqrt(D); ``"cosine"``; ``"product"``, as it is.

    Returns:
        (B, Q, M).

    Raises:
        ValueError: When `measure` is none of these.
    """
    with torch.autocast(query.device.type, enabled=False):
        query, keys = at_same_precision(embed_query(query, measure), embed_keys(keys, measure))
        return torch.bmm(query, keys.transpose(1, 2))


def embed_keys(keys: Tensor, measure: Measure = "l2") -> Tensor:
    """Keys (B, M, D), such that their product with an embedded query is the similarity.

    A memory that is read often embeds its keys once, and reads with the measure ``"product"``.

    Args:
        keys: (B, M, D).
        measure: see `similarity`.

    Returns:
        (B, M, D), for ``"l2"`` (B, M, D + 1), in float32 or better.

    Example::

        >>> import torch
        >>> from monai_i2v.memory import embed_keys, embed_query
        >>> product = embed_query(torch.tensor([[[1.0]]])) @ embed_keys(torch.tensor([[[1.0], [3.0]]])).mT
        >>> (product - 1).tolist()  # without the query's own square
        [[[0.0, -4.0]]]
    """
    keys = _at_least_float32(keys)
    if measure == "l2":
        return torch.cat([keys, -keys.square().sum(-1, keepdim=True)], dim=-1)
    return _embed(keys, measure)


def embed_query(query: Tensor, measure: Measure = "l2") -> Tensor:
    """The counterpart of `embed_keys`: (B, Q, D) to (B, Q, D), for ``"l2"`` to (B, Q, D + 1)."""
    query = _at_least_float32(query)
    scale = 1 / math.sqrt(query.shape[-1])
    if measure == "l2":
        return scale * F.pad(2 * query, (0, 1), value=1)
    return scale * query if measure == "dot" else _embed(query, measure)


def at_same_precision(query: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
    """Both in the more precise of their two dtypes."""
    dtype = torch.promote_types(query.dtype, keys.dtype)
    return query.to(dtype), keys.to(dtype)


def _at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _embed(x: Tensor, measure: Measure) -> Tensor:
    """What the measures do alike to queries and keys."""
    if measure == "cosine":
        return F.normalize(x, dim=-1)
    if measure in ("dot", "product"):
        return x
    raise ValueError(f"measure must be one of 'l2', 'dot', 'cosine', 'product', got {measure!r}; the papers use 'l2'.")
