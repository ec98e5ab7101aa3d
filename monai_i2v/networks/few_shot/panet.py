# SPDX-License-Identifier: Apache-2.0
"""PANet: the nearest prototype wins, and the support must be found from the query too (Wang et al., ICCV 2019).

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `h w` cells.
"""

from __future__ import annotations

from torch import Tensor

from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.few_shot.prototype_net import PrototypeNet
from monai_i2v.networks.few_shot.prototypes import (
    PrototypeSupport,
    cell_cross_entropy,
    cosine_logits,
    object_prototypes,
)

__all__ = ["PANet"]

# The paper's multiplier of cosine similarities.
SCALE = 20.0


class PANet(PrototypeNet):
    """Each cell goes to the prototype of background or object that is nearer in angle.

    In training the query's prototypes, pooled with the predicted mask, segment the support (the paper's
    alignment).

    Args:
        encoder: image encoder; for the paper's form ``ResNetEncoder(50, output_stride=8, frozen=(4, 8, 16))``.
        stage: encoder stage whose features are compared.
        width: channels `F` of a 1x1 convolution behind a frozen encoder; None for the encoder's features, as in the
            paper.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.few_shot import PANet
        >>> net = PANet(MobileNetV2Encoder(output_stride=8), width=32).eval()
        >>> net(*torch.rand(2, 1, 3, 64, 64), torch.ones(1, 1, 64, 64)).shape
        torch.Size([1, 2, 64, 64])
    """

    def __init__(self, encoder: Encoder, *, stage: int = 32, width: int | None = None) -> None:
        super().__init__(encoder, stage=stage, width=width)

    def match(self, features: Tensor, support: PrototypeSupport) -> Tensor:
        """See `FewShotNet.match`."""
        return cosine_logits(features, support.prototypes, SCALE)

    def further(self, features: Tensor, support: PrototypeSupport, logits: Tensor, query_mask: Tensor) -> Tensor:
        """The alignment; see `FewShotNet.further`."""
        return self.align(features, logits.argmax(dim=1, keepdim=True).to(features), support)

    def align(self, features: Tensor, cells: Tensor, support: PrototypeSupport) -> Tensor:
        """How well a mask of the query segments the support: a cross entropy.

        Args:
            features: the query's, (B, F, h, w).
            cells: its predicted mask (B, 1, h, w).
            support: what is to be segmented, with one object.
        """
        back = cosine_logits(support.features, object_prototypes(features, cells), SCALE)
        return cell_cross_entropy(back, support.cells)
