# SPDX-License-Identifier: Apache-2.0
"""MobileNetV2 (Sandler et al., CVPR 2018) as an encoder: fast on CPUs, and small enough to ship."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from monai_i2v.networks.encoder import IMAGENET_MEAN, IMAGENET_STD, Encoder, OutputStride, stages_until
from monai_i2v.networks.pretrained import OfficialFile, load_pretrained

__all__ = ["MobileNetV2Encoder"]

OFFICIAL = OfficialFile("https://download.pytorch.org/models/mobilenet_v2-b0353104.pth")

# Expansion, output channels, blocks and first stride of each group (the paper's table 2).
GROUPS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
# The last block of each stage, counted from the stem at 0 (METHODS of the few-shot literature tap the same depths).
LAST_BLOCK = {4: 3, 8: 6, 16: 13, 32: 17}
CHANNELS = {4: 24, 8: 32, 16: 96, 32: 320}


def _conv_norm(
    in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Sequential:
    padding = dilation * (kernel - 1) // 2
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU6(inplace=True),
    )


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; with a shortcut where the shape allows (the paper's section 3.3)."""

    def __init__(self, in_channels: int, out_channels: int, *, expansion: int, stride: int, dilation: int) -> None:
        super().__init__()
        hidden = in_channels * expansion
        expand = [_conv_norm(in_channels, hidden, 1)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *expand,
            _conv_norm(hidden, hidden, 3, stride=stride, dilation=dilation, groups=hidden),
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.shortcut else self.conv(x)


class MobileNetV2Encoder(Encoder):
    """Features of MobileNetV2 (width 1.0) at four depths, with torchvision's key names.

    Args:
        weights: path of a state dict (``.pth``, ``.npz``), ``"imagenet"`` for the official file, None for random ones.
        output_stride: 32 as in the paper, or 8 with dilated convolutions in the last two stages.
        last_stage: the deepest stage to build; memory networks leave the last one, 32, out.
        frozen: stages that are not trained.
        mean: per-channel mean of the RGB input, for intensities in [0, 1].
        std: per-channel standard deviation of the RGB input.

    Raises:
        ValueError: When there is no such stage.
        UsageError: When `weights` cannot be read.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> features = MobileNetV2Encoder(output_stride=8)(torch.rand(1, 3, 64, 96))
        >>> {stage: tuple(feature.shape) for stage, feature in features.items()}
        {4: (1, 24, 16, 24), 8: (1, 32, 8, 12), 16: (1, 96, 8, 12), 32: (1, 320, 8, 12)}
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        output_stride: OutputStride = 32,
        last_stage: int = 32,
        frozen: Sequence[int] = (),
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__({stage: CHANNELS[stage] for stage in stages_until(last_stage)}, mean=mean, std=std)
        blocks: list[nn.Module] = [_conv_norm(3, 32, 3, stride=2)]
        in_channels, total_stride, dilation = 32, 2, 1
        for expansion, channels, count, first_stride in GROUPS:
            if total_stride * first_stride > output_stride:
                dilation, first_stride = dilation * first_stride, 1
            total_stride *= first_stride
            for block in range(count):
                stride = first_stride if block == 0 else 1
                blocks.append(
                    InvertedResidual(in_channels, channels, expansion=expansion, stride=stride, dilation=dilation)
                )
                in_channels = channels
        self.features = nn.Sequential(*blocks[: LAST_BLOCK[last_stage] + 1])
        if weights is not None:
            unused = [f"features.{block}." for block in range(len(self.features), 19)]
            load_pretrained(self, weights, OFFICIAL, unused=(*unused, "classifier."))
        self.freeze(frozen)
        self.train()  # batch norms are born in training mode

    def stages(self) -> dict[int, nn.Module]:
        first = (0, *(last + 1 for last in LAST_BLOCK.values()))
        return {
            stage: self.features[begin : last + 1]
            for begin, (stage, last) in zip(first, LAST_BLOCK.items(), strict=False)
            if stage in self.channels
        }
