# SPDX-License-Identifier: Apache-2.0
"""Support-query fusion: the query's features, told what to look for (TTT paper 3.2, RAB 2.2).

Axes: `B` videos, `K` objects, `F` feature channels, `P` priors, `h w` features.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

__all__ = ["SupportQueryFusion"]

# Keeps the average over an empty mask finite (PFENet's constant).
AREA_EPS = 5e-4


class SupportQueryFusion(nn.Module):
    """Join the query's features, the support's object and the prior masks into one map per object.

    Args:
        in_channels: channels of the encoder's middle features.
        width: channels `F` of the result.
        priors: number of prior masks `P`.
        token: how the support enters: ``"gap"``, its average over the object (PFENet; knows no place), or ``"map"``,
            its masked map (RAB; tells where the object was).
        dropout: share of channels dropped in training (0.5 in PFENet, HDMNet and DCP).
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        priors: int = 1,
        token: Literal["gap", "map"] = "gap",
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if token not in ("gap", "map"):
            raise ValueError(f"token must be one of 'gap', 'map', got {token!r}; use 'gap' for unrelated images.")
        self.token = token
        self.project_query = _project(in_channels, width, dropout)
        self.project_support = _project(in_channels, width, dropout)
        self.merge = nn.Sequential(nn.Conv2d(2 * width + priors, width, 1), nn.ReLU(inplace=True))

    def encode_support(self, features: Tensor, cells: Tensor) -> Tensor:
        """
        Args:
            features: middle features (B * K, in_channels, h, w) of the masked support.
            cells: objects' masks on the feature grid (B, K, h, w).

        Returns:
            Token (B, K, F, 1, 1) or (B, K, F, h, w).
        """
        projected = self.project_support(features).unflatten(0, cells.shape[:2])  # (B, K, F, h, w)
        area = cells.unsqueeze(2)
        if self.token == "map":
            return projected * area
        total = (projected * area).sum(dim=(-2, -1), keepdim=True)
        return total / (area.sum(dim=(-2, -1), keepdim=True) + AREA_EPS)

    def forward(self, features: Tensor, token: Tensor, priors: Tensor) -> Tensor:
        """
        Args:
            features: middle features (B, in_channels, h, w) of the query.
            token: what `encode_support` returned.
            priors: (B, K, P, h, w).

        Returns:
            (B * K, F, h, w).
        """
        k = priors.shape[1]
        query = self.project_query(features).unsqueeze(1).expand(-1, k, -1, -1, -1)
        joined = torch.cat([query, token.expand_as(query), priors], dim=2)  # (B, K, 2F + P, h, w)
        return self.merge(joined.flatten(0, 1))


def _project(in_channels: int, width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(in_channels, width, 1), nn.ReLU(inplace=True), nn.Dropout2d(dropout))
