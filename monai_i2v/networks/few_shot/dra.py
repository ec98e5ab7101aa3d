# SPDX-License-Identifier: Apache-2.0
"""DRA: small adapters learn to undo a change of style, in front of a trained SSP (Su et al., CVPR 2024).

Axes: `B` images, `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `h w` cells.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.few_shot.prototypes import PrototypeSupport
from monai_i2v.networks.few_shot.ssp import SSP
from monai_i2v.networks.few_shot_net import FewShotNet

__all__ = ["DRA", "DRAFeatures", "DRASupport", "Rectifier", "Style", "StyleNoise", "restyle", "style_of"]

EPS = 1e-5
CYCLE_WEIGHT = 2.0


class Style(NamedTuple):
    """Statistics of each channel of an image."""

    mean: Tensor  # (B, F, 1, 1)
    std: Tensor  # (B, F, 1, 1)


class DRAFeatures(NamedTuple):
    """What the network sees of an image."""

    compared: Tensor  # (B, F, h, w), see `SSP`
    cycle: Tensor  # scalar, how far styles are from what they were; 0 but in training


class DRASupport(NamedTuple):
    """What it keeps of an annotated frame."""

    support: PrototypeSupport
    cycle: Tensor
    present: Tensor  # (B, 1 + K, 1, 1), see `occurring_classes`


class DRA(FewShotNet[DRAFeatures, DRASupport]):
    """Rectify the style of the first stages' features; in training, after it was perturbed.

    Args:
        net: a trained `SSP`; its weights are frozen.
        stages: encoder stages after which there is an adapter.
        strength: of the perturbation, 1 as in the paper.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.few_shot import DRA, SSP
        >>> net = DRA(SSP(MobileNetV2Encoder(output_stride=8, last_stage=16), width=32)).eval()
        >>> net(*torch.rand(2, 1, 3, 64, 64), torch.ones(1, 1, 64, 64)).shape
        torch.Size([1, 2, 64, 64])
    """

    def __init__(self, net: SSP, *, stages: tuple[int, ...] = (4, 8), strength: float = 1.0) -> None:
        super().__init__(net.encoder)
        self.net = net.requires_grad_(False)
        widths = {str(stage): net.encoder.channels[stage] for stage in stages}
        self.perturb = nn.ModuleDict({stage: StyleNoise(width, strength) for stage, width in widths.items()})
        self.rectify = nn.ModuleDict({stage: Rectifier(width) for stage, width in widths.items()})

    def extract(self, padded: Tensor) -> DRAFeatures:
        """See `FewShotNet.extract`."""
        x = (padded - self.encoder.mean) / self.encoder.std
        features, cycle = {}, x.new_zeros(())
        for stage, module in self.encoder.stages().items():
            x = module(x)
            if str(stage) in self.rectify:
                x, further = self.adapt(x, str(stage))
                cycle = cycle + further
            features[stage] = x
        return DRAFeatures(self.net.project_features(features), cycle)

    def adapt(self, x: Tensor, stage: str) -> tuple[Tensor, Tensor]:
        """Features (B, F, h, w) of a stage, perturbed in training, rectified; and how far their style then is off."""
        if not self.training:
            return self.rectify[stage](x), x.new_zeros(())
        style, perturbed = style_of(x), self.perturb[stage](x)
        rectified, unperturbed = self.rectify[stage](perturbed), self.rectify[stage](x)
        return rectified, (_distance(style_of(rectified), style) + _distance(style_of(unperturbed), style)) / 2

    def encode_support(self, frame: Tensor, masks: Tensor) -> DRASupport:
        """See `FewShotNet.encode_support`."""
        features = self.encode_frame(frame)
        support = self.net.support_from(features.compared, masks)
        return DRASupport(support, features.cycle, support.present)

    def match(self, features: DRAFeatures, support: DRASupport) -> Tensor:
        """See `FewShotNet.match`."""
        return self.net.match(features.compared, support.support)

    def further(self, features: DRAFeatures, support: DRASupport, logits: Tensor, query_mask: Tensor) -> Tensor:
        """What `SSP` has, and that styles come back as they were (the paper's cyclic alignment)."""
        cycle = (features.cycle + support.cycle) / 2
        return self.net.further(features.compared, support.support, logits, query_mask) + CYCLE_WEIGHT * cycle


class StyleNoise(nn.Module):
    """Give features another style: one near their own, or one near the mean of all (the paper's perturbations).

    The mean of all is a moving average, which begins with the first features that are seen.

    Args:
        channels: feature channels `F`.
        strength: 1 as in the paper; 0 changes nothing.
    """

    LOCAL_STD, GLOBAL_STD, MOMENTUM = 0.75, 1.0, 0.99

    mean: Tensor
    std: Tensor
    seen: Tensor

    def __init__(self, channels: int, strength: float = 1.0) -> None:
        super().__init__()
        self.strength = strength
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("std", torch.ones(1, channels, 1, 1))
        self.register_buffer("seen", torch.tensor(False))

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, h, w) to (B, F, h, w)."""
        style = style_of(x)
        self.remember(style)
        if not self.strength:
            return x
        is_local = torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5
        spread = self.strength * torch.where(is_local, self.LOCAL_STD, self.GLOBAL_STD)
        around = [torch.where(is_local, own, datum) for own, datum in zip(style, (self.mean, self.std), strict=True)]
        return restyle(x, style, Style(*(one * (1 + spread * torch.randn_like(one)) for one in around)))

    @torch.no_grad()
    def remember(self, style: Style) -> None:
        """Move the mean of all towards a style."""
        for datum, new in zip((self.mean, self.std), style, strict=True):
            datum.lerp_(new.mean(dim=0, keepdim=True).to(datum), 1 - self.MOMENTUM if self.seen else 1.0)
        self.seen.fill_(True)


class Rectifier(nn.Module):
    """Convolutions look at features and say how to change their mean and their standard deviation.

    Args:
        channels: feature channels `F`.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 7, padding=6, dilation=2) for _ in range(3))
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, h, w) to (B, F, h, w)."""
        look = x
        for conv, norm in zip(self.convs, self.norms, strict=False):
            look = norm(conv(look).movedim(1, -1)).movedim(-1, 1).relu()
        look = self.convs[-1](look)
        shift, scale = look.mean(dim=(-2, -1), keepdim=True), look.var(dim=(-2, -1), keepdim=True, correction=0)
        style = style_of(x)
        return restyle(x, style, Style((1 + shift) * style.mean, (1 + scale) * style.std))


def style_of(x: Tensor) -> Style:
    """Mean and standard deviation of each channel of features (B, F, h, w)."""
    return Style(x.mean(dim=(-2, -1), keepdim=True), (x.var(dim=(-2, -1), keepdim=True, correction=0) + EPS).sqrt())


def restyle(x: Tensor, own: Style, other: Style) -> Tensor:
    """Features (B, F, h, w) of a style, given another one; with their own one they stay as they are, to the bit."""
    scale = other.std / own.std
    return x * scale + (other.mean - own.mean * scale)


def _distance(one: Style, other: Style) -> Tensor:
    return F.l1_loss(one.mean, other.mean) + F.l1_loss(one.std, other.std)
