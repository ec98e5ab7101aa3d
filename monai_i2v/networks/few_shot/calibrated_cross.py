# SPDX-License-Identifier: Apache-2.0
"""Self-calibrated cross attention (SCCAN, Xu et al., ICCV 2023).

Axes: `N` images, `h w` cells, `F` feature channels, `W` windows of an image, `M` cells of a window.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from monai.networks.nets.swin_unetr import compute_mask, window_partition, window_reverse
from torch import Tensor, nn

__all__ = ["CalibratedCrossBlock", "align_windows"]


class CalibratedCrossBlock(nn.Module):
    """One softmax over a query window's own cells and those of the support window that is most like it.

    Background of the query thus finds its like in the query, and does not have to settle for the support's object.

    Args:
        width: feature channels `F`, a multiple of `heads`.
        window: side of a window, cells; divides h and w.
        heads: number of heads.
        shift: cells by which the windows are shifted.
    """

    def __init__(self, width: int, *, window: int, heads: int, shift: int = 0) -> None:
        super().__init__()
        self.window, self.heads, self.shift = window, heads, shift
        self.norm, self.norm_support = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.scale = nn.Parameter(torch.tensor(2.3))  # logarithm; of cosine similarities to the support
        self.mlp = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, query: Tensor, support: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """
        Args:
            query: (N, h, w, F).
            support: (N, h, w, F).
            cells: the support's masks (N, h, w, 1).

        Returns:
            Query and support, both (N, h, w, F), after attention.
        """
        own, known, inside = (self._windows(one) for one in (self.norm(query), self.norm_support(support), cells))
        chosen = align_windows(own, known, inside)
        query = query + self._image(self.attend(own, chosen), query)
        support = support + self._image(self.attend(known, None), support)
        return query + self.mlp(query), support + self.mlp(support)

    def attend(self, own: Tensor, chosen: Tensor | None) -> Tensor:
        """Windows (N, W, M, F) that attend to themselves, and to others (N, W, M, F) where there are any."""
        queries, keys, values = self._heads(own)
        scores = queries @ keys.transpose(-2, -1) * queries.shape[-1] ** -0.5  # (N, W, heads, M, M)
        if self.shift:
            scores = scores + self._apart(own).unsqueeze(1)
        if chosen is not None:
            _, other_keys, other_values = self._heads(chosen)
            cosine = F.normalize(queries, dim=-1) @ F.normalize(other_keys, dim=-1).transpose(-2, -1)
            scores = torch.cat([scores, self.scale.exp() * cosine], dim=-1)
            values = torch.cat([values, other_values], dim=-2)
        attended: Tensor = self.project((scores.softmax(dim=-1).to(values) @ values).transpose(2, 3).flatten(-2))
        return attended

    def _heads(self, windows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (N, W, heads, M, F / heads)."""
        queries, keys, values = self.qkv(windows).unflatten(-1, (3, self.heads, -1)).transpose(2, 4).unbind(3)
        return queries, keys, values

    def _windows(self, x: Tensor) -> Tensor:
        """(N, h, w, F) to (N, W, M, F)."""
        shifted = torch.roll(x, (-self.shift, -self.shift), dims=(1, 2)).contiguous()
        return window_partition(shifted, (self.window, self.window)).unflatten(0, (len(x), -1))

    def _image(self, windows: Tensor, like: Tensor) -> Tensor:
        """(N, W, M, F) to (N, h, w, F)."""
        x = window_reverse(windows.flatten(0, 1), (self.window, self.window), like.shape[:3])
        return torch.roll(x, (self.shift, self.shift), dims=(1, 2))

    def _apart(self, windows: Tensor) -> Tensor:
        """(W, M, M): strongly negative for cells that a shift has brought together from opposite borders."""
        side = self.window * round(windows.shape[1] ** 0.5)
        apart: Tensor = compute_mask([side, side], [self.window] * 2, [self.shift] * 2, windows.device)
        return apart


def align_windows(query: Tensor, support: Tensor, inside: Tensor) -> Tensor:
    """For each query window the support window that is most like it (the paper's patch alignment).

    Args:
        query: windows (N, W, M, F).
        support: windows (N, W, M, F).
        inside: the support's masks (N, W, M, 1); windows without any of the object are not chosen.

    Returns:
        Support windows (N, W, M, F), in the order of the query's.
    """
    prototypes = (support * inside).sum(dim=2) / inside.sum(dim=2).clamp_min(1e-6)  # (N, W, F)
    similarity = F.normalize(query.mean(dim=2), dim=-1) @ F.normalize(prototypes, dim=-1).transpose(1, 2)
    empty = inside.sum(dim=(2, 3)) == 0  # (N, W)
    best = similarity.masked_fill(empty.unsqueeze(1), -2.0).argmax(dim=-1)  # (N, W)
    return support[torch.arange(len(best), device=best.device).unsqueeze(1), best]
