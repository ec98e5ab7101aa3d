# SPDX-License-Identifier: Apache-2.0
"""The one-shot image network: a support image with its mask tells what to segment in a query image.

TTT paper 3.2 and RAB 2.2 share this network; they differ in its arguments.

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `h w` features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from monai_i2v.networks.aggregation import occurring_classes
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.feature_enhancement import FeatureEnhancement
from monai_i2v.networks.few_shot_net import FewShotNet, mean_of_those_that_see
from monai_i2v.networks.prior_mask import PriorMask, PriorSupport
from monai_i2v.networks.segmentation_head import SegmentationHead
from monai_i2v.networks.support_query_fusion import SupportQueryFusion

__all__ = ["AnnotatedFeatures", "OneShotNet", "Support"]


class Support(NamedTuple):
    """All that the network keeps of an annotated frame; encode it once per video."""

    token: Tensor  # (B, K, F, 1, 1) or (B, K, F, h, w)
    prior: PriorSupport
    present: Tensor  # (B, 1 + K, 1, 1), see `occurring_classes`

    @property
    def objects(self) -> int:
        """Number of objects `K`."""
        return self.present.shape[1] - 1


class AnnotatedFeatures(NamedTuple):
    """What the encoder sees of an annotated frame."""

    whole: dict[int, Tensor]  # per stage (B, F, h, w)
    masked: dict[int, Tensor]  # per stage (B, K, F, h, w), of the frame with all but one object gray
    cells: Tensor  # (B, K, h, w)
    present: Tensor  # (B, 1 + K, 1, 1), see `occurring_classes`


class OneShotNet(FewShotNet[dict[int, Tensor], Support]):
    """Segment a query image given one support image and its masks.

    Args:
        encoder: image encoder; the papers use ``ResNetEncoder(50, output_stride=8, frozen=(4, 8, 16))``.
        width: feature channels `F`.
        middle_stages: encoder stages whose features are segmented (RAB's literal "first half" is ``(8,)``).
        prior: the prior mask; the papers' is the default.
        token: how the support enters the fusion, ``"gap"`` or ``"map"``; see `SupportQueryFusion`.
        layers: layers of the feature enhancement.
        dropout: share of channels dropped in the fusion in training.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder, OneShotNet
        >>> net = OneShotNet(MobileNetV2Encoder(output_stride=8), width=32).eval()
        >>> support, query = torch.rand(2, 1, 3, 64, 64)
        >>> mask = torch.zeros(1, 1, 64, 64)
        >>> mask[..., 16:48, 16:48] = 1
        >>> net(query, support, mask).shape  # logits of background and foreground
        torch.Size([1, 2, 64, 64])
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        width: int = 256,
        middle_stages: Sequence[int] = (8, 16),
        prior: PriorMask | None = None,
        token: Literal["gap", "map"] = "gap",
        layers: int = 3,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(encoder)
        self.width = width
        self.middle_stages = tuple(middle_stages)
        self.prior = PriorMask() if prior is None else prior
        middle = sum(encoder.channels[stage] for stage in middle_stages)
        self.fusion = SupportQueryFusion(
            middle,
            width,
            priors=self.prior.channels,
            token=token,
            dropout=dropout,
        )
        self.enhance = FeatureEnhancement(width, layers=layers)
        self.head = SegmentationHead(width, width)

    def extract(self, padded: Tensor) -> dict[int, Tensor]:
        """See `FewShotNet.extract`; by stage."""
        features = self.encoder(padded)
        return {stage: features[stage] for stage in {*self.middle_stages, *self.prior.used_stages}}

    def encode_support(self, frame: Tensor, masks: Tensor) -> Support:
        """See `FewShotNet.encode_support`."""
        return self.project_support(self.encode_annotated(frame, masks))

    def encode_annotated(self, frame: Tensor, masks: Tensor) -> AnnotatedFeatures:
        """The encoder's part of `encode_support`; it stays the same while only later layers are trained."""
        b, k = masks.shape[:2]
        whole = self.encode_frame(frame)
        inside = masks.unsqueeze(2)  # (B, K, 1, H, W)
        one_object = frame.unsqueeze(1) * inside + self.encoder.mean * (1 - inside)
        masked = self.encode_frame(one_object.flatten(0, 1))  # (B * K, F, h, w)
        grid = whole[self.middle_stages[0]].shape[-2:]
        return AnnotatedFeatures(
            whole=whole,
            masked={stage: feature.unflatten(0, (b, k)) for stage, feature in masked.items()},
            cells=self.cells_of(masks, grid),
            present=occurring_classes(masks),
        )

    def project_support(self, annotated: AnnotatedFeatures) -> Support:
        """The trained part of `encode_support`."""
        middle = self._middle({stage: feature.flatten(0, 1) for stage, feature in annotated.masked.items()})
        return Support(
            token=self.fusion.encode_support(middle, annotated.cells),
            prior=self.prior.encode_support(annotated.whole, annotated.masked, annotated.cells),
            present=annotated.present,
        )

    def embed(self, features: dict[int, Tensor], *supports: Support) -> Tensor:
        """Frame features, told what to look for: (B * K, F, h, w).

        With several supports (RAB 2.2), what those that show an object make of the frame is averaged before the
        enhancement.
        """
        middle = self._middle(features)
        fused = [self.fusion(middle, one.token, self.prior(features, one.prior)) for one in supports]
        return self.enhance(fused[0] if len(fused) == 1 else mean_of_those_that_see(fused, supports))

    def match(self, features: dict[int, Tensor], support: Support) -> Tensor:
        """See `FewShotNet.match`."""
        return self.segment(features, (support,))

    def segment(self, features: dict[int, Tensor], supports: Sequence[Support]) -> Tensor:
        """See `FewShotNet.segment`; here the features are averaged, see `embed`."""
        return self.head(self.embed(features, *supports))

    def _middle(self, features: dict[int, Tensor]) -> Tensor:
        finest = features[self.middle_stages[0]]
        same_size = [
            F.interpolate(features[stage], finest.shape[-2:], mode="bilinear", align_corners=False)
            for stage in self.middle_stages[1:]
        ]
        return torch.cat([finest, *same_size], dim=1)
