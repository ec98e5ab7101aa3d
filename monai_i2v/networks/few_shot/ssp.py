# SPDX-License-Identifier: Apache-2.0
"""SSP: the query's sure cells become prototypes of the query itself (Fan et al., ECCV 2022).

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `h w` cells, `N` = `B` x `K`,
`Q` query cells.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.few_shot.prototype_net import PrototypeNet
from monai_i2v.networks.few_shot.prototypes import (
    PrototypeSupport,
    cell_cross_entropy,
    cosine_logits,
    masked_mean,
    object_prototypes,
)
from monai_i2v.networks.few_shot_net import per_object

__all__ = ["SSP", "OwnPrototypes", "own_prototypes", "sure_cells"]

SCALE = 10.0
# Probabilities above which a cell is sure, and how many are taken when none is (the paper's).
SURE_FOREGROUND, SURE_BACKGROUND, FALLBACK = 0.7, 0.6, 12
# Of cosine similarities, when a cell gathers the background that resembles it.
BACKGROUND_SCALE = 2.0
SUPPORT_LOSS_WEIGHT = 0.2


class OwnPrototypes(NamedTuple):
    """Mean features of the query's sure cells."""

    foreground: Tensor  # (N, F, 1)
    background: Tensor  # (N, F, 1)
    adaptive: Tensor  # (N, F, Q), of the background, for each cell the part that resembles it


class SSP(PrototypeNet):
    """Segment with the support's prototypes, then again with those of what was sure.

    Args:
        encoder: image encoder; for the paper's form ``ResNetEncoder(50, output_stride=8, last_stage=16, frozen=(4,))``.
        stage: encoder stage whose features are compared.
        width: channels `F` of a 1x1 convolution behind a frozen encoder; None for the encoder's features, as in the
            paper.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.few_shot import SSP
        >>> net = SSP(MobileNetV2Encoder(output_stride=8, last_stage=16), width=32).eval()
        >>> net(*torch.rand(2, 1, 3, 64, 64), torch.ones(1, 1, 64, 64)).shape
        torch.Size([1, 2, 64, 64])
    """

    def __init__(self, encoder: Encoder, *, stage: int = 16, width: int | None = None) -> None:
        super().__init__(encoder, stage=stage, width=width)

    def match(self, features: Tensor, support: PrototypeSupport) -> Tensor:
        """See `FewShotNet.match`; the weights of the sums are the paper's."""
        prototypes = support.prototypes.flatten(0, 1).unsqueeze(-1)  # (N, 2, F, 1)
        given = prototypes[:, 1]
        cells = per_object(features, support.prototypes.shape[1]).flatten(2)  # (N, F, Q)
        own = own_prototypes(cells, _compare(cells, prototypes[:, 0], given))
        foreground = 0.5 * given + 0.5 * own.foreground
        second = _compare(cells, 0.3 * own.background + 0.7 * own.adaptive, foreground)
        own = own_prototypes(cells, second)
        foreground = 0.5 * given + 0.2 * foreground + 0.3 * own.foreground
        third = _compare(cells, 0.3 * own.background + 0.7 * own.adaptive, foreground)
        return (0.7 * third + 0.3 * second).unflatten(-1, features.shape[-2:])

    def further(self, features: Tensor, support: PrototypeSupport, logits: Tensor, query_mask: Tensor) -> Tensor:
        """Query and support must be found from their own true prototypes; see `FewShotNet.further`."""
        of_support = cosine_logits(support.features, support.prototypes, SCALE)
        support_loss = cell_cross_entropy(of_support, support.cells)
        return self.self_loss(features, query_mask) + SUPPORT_LOSS_WEIGHT * support_loss

    def self_loss(self, features: Tensor, mask: Tensor) -> Tensor:
        """Cross entropy of an image (B, F, h, w) that the prototypes of its own mask (B, 1, H, W) segment."""
        cells = self.cells_of(mask, features.shape[-2:])
        return cell_cross_entropy(cosine_logits(features, object_prototypes(features, cells), SCALE), cells)


def own_prototypes(cells: Tensor, logits: Tensor) -> OwnPrototypes:
    """Prototypes of the sure cells.

    Args:
        cells: features (N, F, Q).
        logits: (N, 2, Q), background first.
    """
    prob = logits.softmax(dim=1)
    background, foreground = sure_cells(prob[:, 0], SURE_BACKGROUND), sure_cells(prob[:, 1], SURE_FOREGROUND)
    sure = torch.stack([background, foreground], dim=1).to(cells)  # (N, 2, Q)
    means = masked_mean(cells.unsqueeze(-1), sure.unsqueeze(-1)).transpose(1, 2)  # (N, F, 2)
    unit = F.normalize(cells, dim=1)
    similarity = BACKGROUND_SCALE * (unit.transpose(1, 2) @ unit)  # (N, Q, Q)
    share = similarity.masked_fill(~background.unsqueeze(1), float("-inf")).softmax(dim=-1)
    return OwnPrototypes(means[..., 1:], means[..., :1], cells @ share.transpose(1, 2).to(cells))


def sure_cells(prob: Tensor, least: float) -> Tensor:
    """Cells (N, Q) whose probability is above `least`; where there is none, the `FALLBACK` most probable."""
    sure = prob > least
    best = prob.topk(min(FALLBACK, prob.shape[1]), dim=1).indices
    return torch.where(sure.any(dim=1, keepdim=True), sure, torch.zeros_like(sure).scatter(1, best, True))


def _compare(cells: Tensor, background: Tensor, foreground: Tensor) -> Tensor:
    """Logits (N, 2, Q) of cells (N, F, Q) by prototypes (N, F, 1) for all cells, or (N, F, Q) for each."""
    return SCALE * torch.stack([F.cosine_similarity(cells, one, dim=1) for one in (background, foreground)], dim=1)
