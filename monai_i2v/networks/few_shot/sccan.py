# SPDX-License-Identifier: Apache-2.0
"""SCCAN: windows of the query attend to themselves and to the support's best window at once (Xu et al., ICCV 2023).

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `h w` cells, `N` = `B` x `K`,
`M` cells of a window.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.aggregation import occurring_classes
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.few_shot.aspp_decoder import ASPPDecoder
from monai_i2v.networks.few_shot.calibrated_cross import CalibratedCrossBlock
from monai_i2v.networks.few_shot.middle_features import MiddleFeatures
from monai_i2v.networks.few_shot.prototypes import masked_mean
from monai_i2v.networks.few_shot_net import FewShotNet, per_object
from monai_i2v.networks.prior_mask import normalize_prior

__all__ = ["SCCAN", "SCCANFeatures", "SCCANSupport", "pseudo_mask"]

MIDDLE, DEEP = (8, 16), 32  # stages that are segmented, and that of the pseudo mask
# Of the cosine similarities behind the pseudo mask: how few support cells decide about a query cell.
TEMPERATURE = 10.0


class SCCANFeatures(NamedTuple):
    """What the network sees of an image."""

    middle: Tensor  # (B, F, h, w)
    deep: Tensor  # (B, channels of the last stage, h, w)


class SCCANSupport(NamedTuple):
    """What it keeps of an annotated frame."""

    features: SCCANFeatures
    prototypes: Tensor  # (B, K, F)
    cells: Tensor  # (B, K, h, w)
    present: Tensor  # (B, 1 + K, 1, 1), see `occurring_classes`


class SCCAN(FewShotNet[SCCANFeatures, SCCANSupport]):
    """Attention within windows, after each window of the query was given one of the support.

    Args:
        encoder: image encoder; for the paper's form ``ResNetEncoder(50, output_stride=8, frozen=(4, 8, 16, 32))``.
        width: feature channels `F`, a multiple of `heads` and of 4.
        side: cells h = w that all features are resized to, a multiple of `window`.
        window: side of a window, cells.
        heads: heads of each attention.
        blocks: attention blocks; every second one shifts its windows.
        dropout: share of channels dropped in training.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.few_shot import SCCAN
        >>> net = SCCAN(MobileNetV2Encoder(output_stride=8), width=16, side=8, window=4, heads=2, blocks=2).eval()
        >>> net(*torch.rand(2, 1, 3, 64, 64), torch.ones(1, 1, 64, 64)).shape
        torch.Size([1, 2, 64, 64])
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        width: int = 256,
        side: int = 64,
        window: int = 8,
        heads: int = 8,
        blocks: int = 8,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(encoder)
        self.side = side
        self.middle = MiddleFeatures(encoder.channels, MIDDLE, width, dropout=dropout)
        self.merge = nn.Sequential(nn.Conv2d(2 * width + 1, width, 1), nn.ReLU(inplace=True))
        self.merge_support = nn.Sequential(nn.Conv2d(2 * width + 1, width, 1), nn.ReLU(inplace=True))
        self.blocks = nn.ModuleList(
            CalibratedCrossBlock(width, window=window, heads=heads, shift=window // 2 * (block % 2))
            for block in range(blocks)
        )
        self.decode = ASPPDecoder(width, width, 2)

    def extract(self, padded: Tensor) -> SCCANFeatures:
        """See `FewShotNet.extract`."""
        features = self.encoder(padded)
        size = (self.side, self.side)
        resized = (
            F.interpolate(one, size, mode="bilinear", align_corners=False)
            for one in (self.middle(features), features[DEEP])
        )
        return SCCANFeatures(*resized)

    def encode_support(self, frame: Tensor, masks: Tensor) -> SCCANSupport:
        """See `FewShotNet.encode_support`."""
        features = self.encode_frame(frame)
        cells = self.cells_of(masks, features.middle.shape[-2:])
        return SCCANSupport(features, masked_mean(features.middle, cells), cells, occurring_classes(masks))

    def match(self, features: SCCANFeatures, support: SCCANSupport) -> Tensor:
        """See `FewShotNet.match`."""
        cells = support.cells.flatten(0, 1).unsqueeze(1)  # (N, 1, h, w)
        pseudo = pseudo_mask(features.deep, support.features.deep, support.cells).flatten(0, 1).unsqueeze(1)
        prototype = support.prototypes.flatten(0, 1)[..., None, None].expand(-1, -1, *cells.shape[-2:])
        objects = support.cells.shape[1]
        middle, annotated = (per_object(one, objects) for one in (features.middle, support.features.middle))
        query = self.merge(torch.cat([middle, prototype, pseudo], dim=1)).movedim(1, -1)  # (N, h, w, F)
        known = self.merge_support(torch.cat([annotated, prototype, cells], dim=1)).movedim(1, -1)
        for block in self.blocks:
            query, known = block(query, known, cells.movedim(1, -1))
        logits: Tensor = self.decode(query.movedim(-1, 1))
        return logits


def pseudo_mask(query: Tensor, support: Tensor, cells: Tensor) -> Tensor:
    """The support's masks, carried over by the similarity of deep features, and stretched to [0, 1].

    Unlike the prior mask's maximum, all support cells take part.

    Args:
        query: (B, F, h, w).
        support: (B, F, h, w).
        cells: (B, K, h, w).

    Returns:
        (B, K, h, w).
    """
    query_unit, support_unit = (F.normalize(one.flatten(2), dim=1) for one in (query, support))
    share = (TEMPERATURE * query_unit.transpose(1, 2) @ support_unit).softmax(dim=-1)  # (B, query, support)
    carried = cells.flatten(2) @ share.transpose(1, 2).to(cells)
    return normalize_prior(carried.unflatten(-1, query.shape[-2:]))
