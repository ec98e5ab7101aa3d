# SPDX-License-Identifier: Apache-2.0
"""MONAI's ResNet as an encoder, key-compatible with torchvision and equal to it to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from torch import nn

from monai_i2v.networks.encoder import IMAGENET_MEAN, IMAGENET_STD, Encoder, OutputStride, stages_until
from monai_i2v.networks.pretrained import OfficialFile, load_pretrained

__all__ = ["ResNetEncoder"]

LAYERS = {4: "layer1", 8: "layer2", 16: "layer3", 32: "layer4"}
CHANNELS = {18: {4: 64, 8: 128, 16: 256, 32: 512}, 50: {4: 256, 8: 512, 16: 1024, 32: 2048}}
OFFICIAL = {
    18: OfficialFile("https://download.pytorch.org/models/resnet18-f37072fd.pth"),
    50: OfficialFile("https://download.pytorch.org/models/resnet50-0676ba61.pth"),
}


class ResNetEncoder(Encoder):
    """Features of a ResNet at four depths.

    Args:
        depth: 18 or 50.
        weights: path of a state dict (``.pth``, ``.npz``), ``"imagenet"`` for the official file, None for random ones.
        output_stride: 32, or 8 with dilated convolutions in the last two stages.
        last_stage: the deepest stage to build; memory networks leave the last one, 32, out.
        frozen: stages that are not trained.
        mean: per-channel mean of the RGB input, for intensities in [0, 1].
        std: per-channel standard deviation of the RGB input.

    Raises:
        ValueError: When `depth` is not 18 or 50, or there is no such stage.
        UsageError: When `weights` cannot be read.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import ResNetEncoder
        >>> features = ResNetEncoder(50, output_stride=8)(torch.rand(1, 3, 64, 96))
        >>> {stage: tuple(feature.shape) for stage, feature in features.items()}
        {4: (1, 256, 16, 24), 8: (1, 512, 8, 12), 16: (1, 1024, 8, 12), 32: (1, 2048, 8, 12)}
    """

    def __init__(
        self,
        depth: Literal[18, 50] = 50,
        weights: str | Path | None = None,
        *,
        output_stride: OutputStride = 32,
        last_stage: int = 32,
        frozen: Sequence[int] = (),
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        from monai.networks.nets import resnet18, resnet50

        if depth not in CHANNELS:
            raise ValueError(f"depth must be one of {sorted(CHANNELS)}, got {depth}; use 50 for the papers' encoder.")
        super().__init__({stage: CHANNELS[depth][stage] for stage in stages_until(last_stage)}, mean=mean, std=std)
        # Without these two arguments MONAI's network takes torchvision's weights and computes something else.
        build = resnet18 if depth == 18 else resnet50
        net = build(spatial_dims=2, n_input_channels=3, conv1_t_stride=2, bias_downsample=False)
        self.conv1, self.bn1, self.act, self.maxpool = net.conv1, net.bn1, net.act, net.maxpool
        for stage in self.channels:
            setattr(self, LAYERS[stage], getattr(net, LAYERS[stage]))
            if stage > output_stride:
                _dilate(getattr(self, LAYERS[stage]), stage // output_stride)
        if weights is not None:
            unused = [f"{layer}." for stage, layer in LAYERS.items() if stage not in self.channels]
            load_pretrained(self, weights, OFFICIAL[depth], unused=(*unused, "fc."))
        self.freeze(frozen)
        self.train()  # batch norms are born in training mode

    def stages(self) -> dict[int, nn.Module]:
        stages = {stage: getattr(self, LAYERS[stage]) for stage in self.channels}
        return {**stages, 4: nn.Sequential(self.conv1, self.bn1, self.act, self.maxpool, stages[4])}


def _dilate(stage: nn.Module, dilation: int) -> None:
    """Trade the stride of a stage for dilation, in every 3x3 convolution (as PFENet's backbone does)."""
    for module in stage.modules():
        if isinstance(module, nn.Conv2d):
            module.stride = (1, 1)
            if module.kernel_size == (3, 3):
                module.dilation = module.padding = (dilation, dilation)
