# SPDX-License-Identifier: Apache-2.0
"""Prior mask: where does the query look like the support's object? (PFENet; HDMNet; TTT paper 3.2)

Axes: `B` videos, `K` objects, `F` feature channels, `D` key, `P` priors, `h w` features, `S` support cells,
`Q` query cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.memory import read_memory

__all__ = [
    "MatchingKey",
    "PriorMask",
    "PriorSupport",
    "downsample_mask",
    "nearest_similarity",
    "normalize_prior",
]

EPS = 1e-7


class PriorSupport(NamedTuple):
    """What the prior remembers of the support."""

    features: dict[int, Tensor]  # per stage (B, K, F, h, w), or (B, 1, F, h, w) when shared by all objects
    key: Tensor | None  # (B, D, h, w), only with a matching key
    cells: Tensor  # (B, K, h, w)


class MatchingKey(nn.Module):
    """A learned key in which support and query cells are matched, as in a memory network (STCN 3.2).

    The features of the stages are brought to unit variance per cell, joined and projected linearly.

    Args:
        channels: feature channels `F` of the encoder stages to use, by stage.
        width: channels `D` of the key.
    """

    def __init__(self, channels: dict[int, int], width: int = 64) -> None:
        super().__init__()
        self.channels = channels
        self.project = nn.Conv2d(sum(channels.values()), width, 1)
        nn.init.orthogonal_(self.project.weight)
        nn.init.zeros_(self.project.bias)  # type: ignore[arg-type]

    def forward(self, features: dict[int, Tensor]) -> Tensor:
        """Encoder features, by stage, to keys (B, D, h, w)."""
        alike = [F.layer_norm(features[stage].movedim(1, -1), (width,)) for stage, width in self.channels.items()]
        return self.project(torch.cat(alike, dim=-1).movedim(-1, 1))


class PriorMask(nn.Module):
    """Object likelihood of each query cell, from the most similar support cells.

    Args:
        stages: encoder stages that are compared, one prior each; the papers use the last.
        masking: ``"image"`` compares with the features of the support image in which all but the object is gray (the
            papers), ``"features"`` with the object's cells in the features of the whole support image.
        key: when given, one more prior: the support's mask, read through the affinity of this learned key.
    """

    def __init__(
        self,
        stages: Sequence[int] = (32,),
        *,
        masking: Literal["image", "features"] = "image",
        key: MatchingKey | None = None,
    ) -> None:
        super().__init__()
        self.stages, self.masking, self.key = tuple(stages), masking, key

    @property
    def channels(self) -> int:
        """Number of priors `P`."""
        return len(self.stages) + (self.key is not None)

    @property
    def used_stages(self) -> set[int]:
        """Encoder stages that the prior needs."""
        return {*self.stages, *(self.key.channels if self.key is not None else ())}

    def encode_support(self, whole: dict[int, Tensor], masked: dict[int, Tensor], cells: Tensor) -> PriorSupport:
        """
        Args:
            whole: features (B, F, h, w) of the support image.
            masked: features (B, K, F, h, w) of the support image with all but one object gray.
            cells: objects' masks on the feature grid (B, K, h, w).
        """
        from_image = self.masking == "image"
        features = {stage: masked[stage] if from_image else whole[stage].unsqueeze(1) for stage in self.stages}
        return PriorSupport(features, None if self.key is None else self.key(whole), cells)

    def forward(self, query: dict[int, Tensor], support: PriorSupport) -> Tensor:
        """
        Args:
            query: features (B, F, h, w) of the query.
            support: what `encode_support` returned.

        Returns:
            Priors (B, K, P, h, w) in [0, 1].
        """
        priors = [
            normalize_prior(nearest_similarity(query[stage], support.features[stage], support.cells))
            for stage in self.stages
        ]
        if self.key is not None and support.key is not None:
            priors.append(_read_mask(self.key(query), support.key, support.cells))
        return torch.stack(priors, dim=2)


def downsample_mask(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Shrink masks to the feature grid without losing small objects.

    Args:
        masks: (B, K, H, W) in [0, 1].
        size: feature grid (h, w).

    Returns:
        (B, K, h, w): the covered share of each cell where at least one cell is covered by more than half; else
        scaled so that the most covered cell counts fully. An empty mask stays empty.
    """
    small = F.adaptive_avg_pool2d(masks, size)
    peak = small.amax(dim=(-2, -1), keepdim=True)
    return torch.where(peak > 0.5, small, small / peak.clamp_min(EPS))


def nearest_similarity(query: Tensor, support: Tensor, cells: Tensor) -> Tensor:
    """Cosine similarity of each query cell to the most similar of the marked support cells.

    Differentiable: in the image network the prior is the only path of gradients to the encoder's last stage.

    Args:
        query: (B, F, h, w).
        support: (B, K, F, h, w), or (B, 1, F, h, w) when all objects share the support's features; here and below,
            a support of B = 1 serves any number of queries.
        cells: (B, K, h, w), support cells above 0.5 are marked.

    Returns:
        (B, K, h, w) in [-1, 1]; -1 where no support cell is marked.
    """
    query_unit = F.normalize(query.flatten(2), dim=1, eps=EPS)  # (B, F, Q)
    support_unit = F.normalize(support.flatten(3), dim=2, eps=EPS)  # (B, K or 1, F, S)
    similarity = support_unit.transpose(2, 3) @ query_unit.unsqueeze(1)  # (B, K or 1, S, Q)
    outside = cells.flatten(2).unsqueeze(-1) <= 0.5  # (B, K, S, 1)
    nearest = similarity.masked_fill(outside, -1.0).amax(dim=2)  # (B, K, Q)
    return nearest.unflatten(2, query.shape[-2:])


def normalize_prior(prior: Tensor) -> Tensor:
    """Stretch each prior (B, K, h, w) to [0, 1] (PFENet's min-max normalization)."""
    low = prior.amin(dim=(-2, -1), keepdim=True)
    high = prior.amax(dim=(-2, -1), keepdim=True)
    return (prior - low) / (high - low + EPS)


def _read_mask(query: Tensor, key: Tensor, cells: Tensor) -> Tensor:
    """The support's masks (B, K, h, w), carried to the query by affinity of the keys (B, D, h, w)."""
    query_rows, key_rows = (keys.flatten(2).transpose(1, 2) for keys in (query, key))  # (B, Q, D), (B, S, D)
    readout = read_memory(query_rows, key_rows, cells.flatten(2).unsqueeze(-1))  # (B, K, Q, 1)
    return readout.squeeze(-1).unflatten(-1, query.shape[-2:])
