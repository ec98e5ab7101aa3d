# SPDX-License-Identifier: Apache-2.0
"""What methods share that compare the features of one encoder stage with prototypes.

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `h w` cells.
"""

from __future__ import annotations

from torch import Tensor, nn

from monai_i2v.networks.aggregation import occurring_classes
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.few_shot.prototypes import PrototypeSupport, object_prototypes
from monai_i2v.networks.few_shot_net import FewShotNet

__all__ = ["PrototypeNet"]


class PrototypeNet(FewShotNet[Tensor, PrototypeSupport]):
    """Keep of the support its features and prototypes; methods say how a query is matched.

    Args:
        encoder: image encoder.
        stage: encoder stage whose features are compared.
        width: channels `F` of a 1x1 convolution behind a frozen encoder; None for the encoder's features.
    """

    def __init__(self, encoder: Encoder, *, stage: int, width: int | None = None) -> None:
        super().__init__(encoder)
        self.stage = stage
        self.project = nn.Identity() if width is None else nn.Conv2d(encoder.channels[stage], width, 1)

    def extract(self, padded: Tensor) -> Tensor:
        """(B, F, h, w); see `FewShotNet.extract`."""
        return self.project_features(self.encoder(padded))

    def project_features(self, features: dict[int, Tensor]) -> Tensor:
        """Encoder features, by stage, to those that are compared (B, F, h, w)."""
        projected: Tensor = self.project(features[self.stage])
        return projected

    def encode_support(self, frame: Tensor, masks: Tensor) -> PrototypeSupport:
        """See `FewShotNet.encode_support`."""
        return self.support_from(self.encode_frame(frame), masks)

    def support_from(self, features: Tensor, masks: Tensor) -> PrototypeSupport:
        """`encode_support` with the frame's features (B, F, h, w) at hand."""
        cells = self.cells_of(masks, features.shape[-2:])
        return PrototypeSupport(object_prototypes(features, cells), features, cells, occurring_classes(masks))
