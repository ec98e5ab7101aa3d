# SPDX-License-Identifier: Apache-2.0
"""A few queries per object exchange information with what was read of it (Cutie, 3.2).

Axes: `B` videos, `K` objects, `N` = `B` x `K`, `P` object queries, `F` feature channels, `h w` cells.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_i2v.networks.aggregation import soft_aggregate
from monai_i2v.networks.vos.attention_blocks import attentive_block
from monai_i2v.networks.vos.positions import sine_positions

__all__ = ["ObjectTransformer", "hidden_cells"]


class ObjectTransformer(nn.Module):
    """Queries read the cells of their half of the picture, talk to each other, and the cells read them.

    The first half of the queries sees cells of the object only, the second half those that are not; which is which, a
    small head says before each block.

    Args:
        channels: `F`.
        queries: `P`.
        heads: of the attention.
        hidden: width of the feed-forward network.
        blocks: how often.
    """

    def __init__(self, channels: int, *, queries: int = 16, heads: int = 8, hidden: int = 512, blocks: int = 1) -> None:
        super().__init__()
        self.queries, self.places = (nn.Parameter(torch.randn(queries, channels)) for _ in range(2))
        self.to_query, self.to_place = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.blocks = nn.ModuleList(ObjectBlock(channels, heads, hidden) for _ in range(blocks))
        self.heads = nn.ModuleList(nn.Conv2d(channels, 1, 1) for _ in range(blocks + 1))

    def forward(self, pixels: Tensor, summary: Tensor, present: Tensor) -> tuple[Tensor, list[Tensor]]:
        """
        Args:
            pixels: what was read, (N, F, h, w).
            summary: of each object, (N, P, F).
            present: (B, 1 + K, 1, 1), see `occurring_classes`.

        Returns:
            The cells (N, F, h, w), and logits (B, K, h, w) of each head.
        """
        objects = present.shape[1] - 1
        query, place = self.queries + self.to_query(summary), self.places + self.to_place(summary)
        logits = []
        for block, head in zip(self.blocks, self.heads, strict=False):
            logits.append(head(pixels).squeeze(1).unflatten(0, (-1, objects)))
            query, pixels = block(query, place, pixels, hidden_cells(logits[-1], present, query.shape[1]))
        logits.append(self.heads[-1](pixels).squeeze(1).unflatten(0, (-1, objects)))
        return pixels, logits


@torch.no_grad()
def hidden_cells(logits: Tensor, present: Tensor, queries: int) -> Tensor:
    """Which cells each query does not see: (N, P, h * w); one that would see none sees all.

    Args:
        logits: (B, K, h, w), of the objects.
        present: (B, 1 + K, 1, 1), see `occurring_classes`.
        queries: `P`.
    """
    prob = soft_aggregate(logits, present)
    background = 1 - prob.sum(dim=1, keepdim=True)
    inside = (prob > 0) & (prob >= torch.cat([background, prob], dim=1).amax(dim=1, keepdim=True))  # (B, K, h, w)
    inside = inside.flatten(2).flatten(0, 1).unsqueeze(1)  # (N, 1, h * w)
    hidden = torch.cat([~inside, inside], dim=1).repeat_interleave(queries // 2, dim=1)
    return hidden & ~hidden.all(dim=-1, keepdim=True)


class ObjectBlock(nn.Module):
    """One exchange between queries and cells (Cutie, 3.2.1)."""

    def __init__(self, channels: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.read, self.talk, self.write = (nn.MultiheadAttention(channels, heads, batch_first=True) for _ in range(3))
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(3))
        self.feed = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))
        self.refine = attentive_block(channels)

    def forward(self, query: Tensor, place: Tensor, pixels: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and their places (N, P, F), cells (N, F, h, w), and what a query does not see (N, P, h * w)."""
        size = pixels.shape[-2:]
        where = sine_positions(pixels.shape[1], pixels)
        query = self.look_at(query, place, pixels, hidden)
        own = self.norms[1](query)
        query = query + self.talk(own + place, own + place, own, need_weights=False)[0]
        query = query + self.feed(self.norms[2](query))
        cells = pixels.flatten(2).transpose(1, 2)  # (N, h * w, F)
        cells = cells + self.write(cells + where, query + place, query, need_weights=False)[0]
        return query, self.refine(cells.transpose(1, 2).unflatten(2, size))

    def look_at(self, query: Tensor, place: Tensor, pixels: Tensor, hidden: Tensor) -> Tensor:
        """What the queries (N, P, F) read of the cells that they see."""
        cells = pixels.flatten(2).transpose(1, 2)
        where = sine_positions(pixels.shape[1], pixels)
        mask = hidden.repeat_interleave(self.heads, dim=0)
        own = self.norms[0](query) + place
        read: Tensor = self.read(own, cells + where, cells, attn_mask=mask, need_weights=False)[0]
        return query + read
