# SPDX-License-Identifier: Apache-2.0
"""DCP: what a first guess at the support gets right and wrong makes four proxies (Lang et al., IJCAI 2022).

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `h w` cells, `N` = `B` x `K`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from monai_i2v.networks.aggregation import occurring_classes
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.few_shot.aspp_decoder import ASPPDecoder
from monai_i2v.networks.few_shot.middle_features import MiddleFeatures
from monai_i2v.networks.few_shot.prototypes import cell_cross_entropy, masked_mean
from monai_i2v.networks.few_shot_net import FewShotNet, per_object
from monai_i2v.networks.prior_mask import PriorMask, PriorSupport
from monai_i2v.networks.segmentation_head import SegmentationHead

__all__ = ["DCP", "DCPFeatures", "DCPSupport", "proxy_cells"]

DEEP = 32  # the stage of prior and guess


class DCPFeatures(NamedTuple):
    """What the network sees of an image."""

    middle: Tensor  # (B, F, h, w)
    deep: Tensor  # (B, channels of the last stage, h, w)


class DCPSupport(NamedTuple):
    """What it keeps of an annotated frame."""

    proxies: Tensor  # (B, K, 6, F), in the order of `proxy_cells`
    prior: PriorSupport
    guess: Tensor  # (B, 2, h, w), logits of the first guess, which knows no mask
    present: Tensor  # (B, 1 + K, 1, 1), see `occurring_classes`


class DCP(FewShotNet[DCPFeatures, DCPSupport]):
    """Two decoders, one for the object and one for its background, each told of its own proxies.

    Args:
        encoder: image encoder; for the paper's form ``ResNetEncoder(50, output_stride=8, frozen=(4, 8, 16, 32))``.
        width: feature channels `F`, a multiple of 4.
        stages: encoder stages whose features are segmented.
        dropout: share of channels dropped in training.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.few_shot import DCP
        >>> net = DCP(MobileNetV2Encoder(output_stride=8), width=16).eval()
        >>> net(*torch.rand(2, 1, 3, 64, 64), torch.ones(1, 1, 64, 64)).shape
        torch.Size([1, 2, 64, 64])
    """

    def __init__(
        self, encoder: Encoder, *, width: int = 256, stages: Sequence[int] = (8, 16), dropout: float = 0.5
    ) -> None:
        super().__init__(encoder)
        self.middle = MiddleFeatures(encoder.channels, stages, width, dropout=dropout)
        self.prior = PriorMask((DEEP,), masking="features")
        self.reason = SegmentationHead(encoder.channels[DEEP], width)
        self.foreground = ASPPDecoder(2 * width + 4, width, 1)  # three activations and the prior
        self.background = ASPPDecoder(2 * width + 3, width, 1)

    def extract(self, padded: Tensor) -> DCPFeatures:
        """See `FewShotNet.extract`."""
        features = self.encoder(padded)
        return DCPFeatures(self.middle(features), features[DEEP])

    def encode_support(self, frame: Tensor, masks: Tensor) -> DCPSupport:
        """See `FewShotNet.encode_support`."""
        features = self.encode_frame(frame)
        cells = self.cells_of(masks, features.middle.shape[-2:])
        guess = self.reason(features.deep)
        kinds = proxy_cells(cells, guess.argmax(dim=1, keepdim=True).to(cells))  # (B, K, 6, h, w)
        proxies = masked_mean(features.middle, kinds.flatten(1, 2)).unflatten(1, kinds.shape[1:3])
        whole = {DEEP: features.deep}
        return DCPSupport(proxies, self.prior.encode_support(whole, {}, cells), guess, occurring_classes(masks))

    def match(self, features: DCPFeatures, support: DCPSupport) -> Tensor:
        """See `FewShotNet.match`."""
        prior = self.prior({DEEP: features.deep}, support.prior).flatten(0, 1)  # (N, 1, h, w)
        middle = per_object(features.middle, support.proxies.shape[1])
        proxies = support.proxies.flatten(0, 1)[..., None, None]  # (N, 6, F, 1, 1)
        activation = F.cosine_similarity(middle.unsqueeze(1), proxies, dim=2)  # (N, 6, h, w)
        whole = [proxies[:, kind].expand_as(middle) for kind in (2, 3)]
        foreground = self.foreground(middle, whole[0], activation[:, :3], prior)
        background = self.background(middle, whole[1], activation[:, 3:])
        return torch.cat([background, foreground], dim=1)

    def further(self, features: DCPFeatures, support: DCPSupport, logits: Tensor, query_mask: Tensor) -> Tensor:
        """The first guess at query and support must be right; see `FewShotNet.further`."""
        cells = self.cells_of(query_mask, logits.shape[-2:])
        of_query = cell_cross_entropy(self.reason(features.deep), cells)
        return (of_query + cell_cross_entropy(support.guess, support.prior.cells)) / 2


def proxy_cells(cells: Tensor, guess: Tensor) -> Tensor:
    """Whose cells make each proxy.

    Args:
        cells: true masks (B, K, h, w) in [0, 1].
        guess: guessed mask (B, 1, h, w), 0 or 1.

    Returns:
        (B, K, 6, h, w): main and missed object (the paper's alpha and beta), whole object, whole background, false
        alarm and main background (delta and gamma). All but the two whole ones add up to 1.
    """
    outside = 1 - cells
    kinds = [cells * guess, cells * (1 - guess), cells, outside, outside * guess, outside * (1 - guess)]
    return torch.stack(kinds, dim=2)
