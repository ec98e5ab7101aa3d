# SPDX-License-Identifier: Apache-2.0
"""What all image encoders share: normalization, frozen stages, frozen batch norm.

Axes: `B` videos, `C` image channels, `H W` pixels, `F` feature channels, `h w` features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

__all__ = ["Encoder", "OutputStride", "STAGES"]

STAGES = (4, 8, 16, 32)
"""Names of an encoder's four stages: the stride each has in a classification network."""


def stages_until(last_stage: int) -> tuple[int, ...]:
    """The stages of an encoder that ends with `last_stage`.

    Raises:
        ValueError: When there is no such stage.
    """
    if last_stage not in STAGES:
        raise ValueError(f"last_stage must be one of {STAGES}, got {last_stage}; use 32 for all of them.")
    return STAGES[: STAGES.index(last_stage) + 1]


def keep_batch_norms(network: nn.Module) -> None:
    """Have all batch norms of a network use their running statistics, and leave them as they are."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


OutputStride: TypeAlias = Literal[8, 32]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Encoder(nn.Module, ABC):
    """Features of a frame at four depths.

    With ``output_stride=8`` the two deepest stages keep the resolution of stage 8 and use dilated convolutions
    instead (the few-shot literature's backbone): their names stay 16 and 32.

    Batch norm always uses its running statistics, also in training mode (all papers freeze it).

    Args:
        channels: feature channels `F` per stage; the deepest may be left out.
        mean: per-channel mean of the RGB input, for intensities in [0, 1].
        std: per-channel standard deviation of the RGB input.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        channels: dict[int, int],
        *,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    @abstractmethod
    def stages(self) -> dict[int, nn.Module]:
        """The modules of each stage, in the order in which a frame passes them; the stem belongs to stage 4."""

    def freeze(self, stages: Sequence[int]) -> None:
        """Exclude the parameters of `stages` from training.

        Raises:
            ValueError: When the encoder has no such stage.
        """
        for stage in stages:
            if stage not in self.channels:
                raise ValueError(
                    f"stage must be one of {tuple(self.channels)}, got {stage}; name the stages to freeze."
                )
            self.stages()[stage].requires_grad_(False)

    def train(self, mode: bool = True) -> Encoder:
        super().train(mode)
        keep_batch_norms(self)
        return self

    def forward(self, frame: Tensor) -> dict[int, Tensor]:
        """
        Args:
            frame: (B, 3, H, W), RGB in [0, 1].

        Returns:
            Features (B, F, h, w) per stage.
        """
        x = (frame - self.mean) / self.std
        features = {}
        for stage, module in self.stages().items():
            x = module(x)
            features[stage] = x  # (B, F, h, w)
        return features

    def blocks(self, frame: Tensor) -> dict[int, list[Tensor]]:
        """What every block of each stage gives, for methods that compare images at many depths.

        Of a ResNet, as of any encoder whose blocks end so, that is after the block's ReLU.

        Args:
            frame: (B, 3, H, W), RGB in [0, 1].

        Returns:
            Per stage features (B, F, h, w), the last of which are those of `forward`; stage 4 begins with the stem's.
        """
        x = (frame - self.mean) / self.std
        features: dict[int, list[Tensor]] = {}
        for stage, module in self.stages().items():
            features[stage] = []
            for block in module.children():
                x = block(x)
                features[stage].append(x)
        return features

    @torch.no_grad()
    def block_channels(self) -> dict[int, list[int]]:
        """Feature channels `F` of what `blocks` gives."""
        smallest = self.mean.new_zeros(1, 3, STAGES[-1], STAGES[-1])
        return {stage: [one.shape[1] for one in features] for stage, features in self.blocks(smallest).items()}
