# SPDX-License-Identifier: Apache-2.0
"""What all few-shot networks share: an annotated image in, the masks of other images out.

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `h w` cells, `N` = `B` x `K`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, NamedTuple, Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.aggregation import soft_aggregate
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.prior_mask import downsample_mask
from monai_i2v.networks.torchscript import ScriptedImageNet

__all__ = ["EpisodePrediction", "FewShotNet", "mean_of_those_that_see", "per_object"]


class AnnotatedFrame(Protocol):
    """What a network keeps of an annotated frame."""

    @property
    def present(self) -> Tensor:
        """(B, 1 + K, 1, 1), see `occurring_classes`."""
        ...


FeaturesT = TypeVar("FeaturesT")
SupportT = TypeVar("SupportT", bound=AnnotatedFrame)


class EpisodePrediction(NamedTuple):
    """What a network gives in training, see `EpisodeLoss`."""

    logits: Tensor  # (B, 2, H, W), background first
    further: Tensor  # scalar, what the method learns from beside them


class FewShotNet(nn.Module, ABC, Generic[FeaturesT, SupportT]):
    """Segment a query image given one support image and its masks.

    A method says what it sees of an image (`extract`), what it keeps of the annotated one (`encode_support`), and how
    it compares the two (`match`). For that it is a `VideoSegmenter` too: the support is the reference frame, encoded
    once, and every frame a query of its own. Where several frames are annotated, the logits are averaged over those
    that show an object.

    Args:
        encoder: image encoder.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.few_shot import PANet
        >>> net = PANet(MobileNetV2Encoder(output_stride=8)).eval()
        >>> support, query = torch.rand(2, 1, 3, 64, 64)
        >>> state = net.start(support, torch.ones(1, 2, 64, 64).tril())  # two objects
        >>> net.step(query, state)[0].shape
        torch.Size([1, 2, 64, 64])
    """

    grid: ClassVar[int] = 8
    """Frames are padded to multiples of it, px, and logits cropped back."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    @abstractmethod
    def extract(self, padded: Tensor) -> FeaturesT:
        """Features of frames (B, C, H, W) whose sides are multiples of `grid`; they do not depend on any object."""

    @abstractmethod
    def encode_support(self, frame: Tensor, masks: Tensor) -> SupportT:
        """All that does not depend on the query.

        Args:
            frame: annotated frames (B, C, H, W).
            masks: their masks (B, K, H, W).
        """

    @abstractmethod
    def match(self, features: FeaturesT, support: SupportT) -> Tensor:
        """Logits (N, 2, h, w) of frames, background first, from what `encode_frame` and `encode_support` gave."""

    def further(self, features: FeaturesT, support: SupportT, logits: Tensor, query_mask: Tensor) -> Tensor:
        """What a method learns from beside its logits; nothing unless it says otherwise.

        Args:
            features: of the query.
            support: of the support, with one object.
            logits: what `match` gave, (B, 2, h, w).
            query_mask: the query's true mask (B, 1, H, W).

        Returns:
            Scalar.
        """
        return logits.new_zeros(())

    def forward(
        self,
        query: Tensor,
        support: Tensor | None = None,
        support_mask: Tensor | None = None,
        query_mask: Tensor | None = None,
    ) -> Tensor | EpisodePrediction:
        """
        Args:
            query: images (B, C, H, W) in [0, 1].
            support: annotated images (B, C, H, W); the query itself when missing.
            support_mask: masks (B, 1, H, W) of `support`; the whole image when missing.
            query_mask: masks (B, 1, H, W) of `query`, for `further`; looked at in training only.

        Returns:
            Logits (B, 2, H, W), background first; in training with a `query_mask` an `EpisodePrediction`.
        """
        support = query if support is None else support
        support_mask = torch.ones_like(query[:, :1]) if support_mask is None else support_mask
        features, annotated = self.encode_frame(query), self.encode_support(support, support_mask)
        cells = self.segment(features, (annotated,))
        logits = self.upsample(cells, query.shape[-2:])
        if query_mask is None or not self.training:
            return logits
        return EpisodePrediction(logits, self.further(features, annotated, cells, query_mask))

    def __prepare_scriptable__(self) -> ScriptedImageNet:
        """What `torch.jit.script` takes in its place."""
        return ScriptedImageNet(self)

    def encode_frame(self, frame: Tensor) -> FeaturesT:
        """Features of frames (B, C, H, W) of any size; they do not depend on any object."""
        h, w = frame.shape[-2:]
        return self.extract(F.pad(frame, (0, -w % self.grid, 0, -h % self.grid), mode="replicate"))

    def cells_of(self, masks: Tensor, size: Sequence[int]) -> Tensor:
        """Masks (B, K, H, W) on the cells (B, K, h, w) of features of `size`, see `downsample_mask`."""
        h, w = masks.shape[-2:]
        return downsample_mask(F.pad(masks, (0, -w % self.grid, 0, -h % self.grid)), (size[-2], size[-1]))

    def segment(self, features: FeaturesT, supports: Sequence[SupportT]) -> Tensor:
        """Logits (N, 2, h, w): `match` with each of the annotated frames, averaged over those that show the object."""
        found = [self.match(features, one) for one in supports]
        return found[0] if len(found) == 1 else mean_of_those_that_see(found, supports)

    def upsample(self, logits: Tensor, size: Sequence[int]) -> Tensor:
        """Logits (N, C, h, w) of a padded frame to the frame's own `size` (H, W)."""
        padded = [side + -side % self.grid for side in size]
        full = F.interpolate(logits, padded, mode="bilinear", align_corners=False)
        return full[..., : size[0], : size[1]]

    def to_probabilities(self, logits: Tensor, present: Tensor) -> Tensor:
        """Logits (N, 2, H, W) of single objects to probabilities (B, K, H, W) that do not overlap."""
        foreground = (logits[:, 1] - logits[:, 0]).unflatten(0, (-1, present.shape[1] - 1))
        return soft_aggregate(foreground, present)

    def start(self, frame: Tensor, masks: Tensor) -> tuple[SupportT, ...]:
        """See `VideoSegmenter.start`."""
        return (self.encode_support(frame, masks),)

    def step(self, frame: Tensor, state: tuple[SupportT, ...]) -> tuple[Tensor, tuple[SupportT, ...]]:
        """See `VideoSegmenter.step`."""
        logits = self.upsample(self.segment(self.encode_frame(frame), state), frame.shape[-2:])
        present = torch.stack([one.present for one in state]).any(dim=0)
        return self.to_probabilities(logits, present), state

    def add_support(self, frame: Tensor, masks: Tensor, state: tuple[SupportT, ...]) -> tuple[SupportT, ...]:
        """See `MemoryNet.add_support`."""
        return (*state, self.encode_support(frame, masks))


def per_object(features: Tensor, objects: int) -> Tensor:
    """Features (B, ...) once for each of `objects` K: (B * K, ...)."""
    return features if objects == 1 else features.repeat_interleave(objects, dim=0)


def mean_of_those_that_see(found: Sequence[Tensor], supports: Sequence[AnnotatedFrame]) -> Tensor:
    """Mean of (B * K, F, h, w), one of each support, over the supports that show each object."""
    objects = supports[0].present.shape[1] - 1
    by_object = torch.stack([one.unflatten(0, (-1, objects)) for one in found])  # (supports, B, K, F, h, w)
    sees = torch.stack([one.present[:, 1:, None] for one in supports]).to(by_object)  # (supports, B, K, 1, 1, 1)
    return ((sees * by_object).sum(dim=0) / sees.sum(dim=0).clamp_min(1)).flatten(0, 1)
