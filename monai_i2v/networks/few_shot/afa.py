# SPDX-License-Identifier: Apache-2.0
"""AFA: query and masked support fused at every scale, and a decoder with gates (Karimijafarbigloo et al., 2023).

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `h w` cells, `N` = `B` x `K`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.aggregation import occurring_classes
from monai_i2v.networks.encoder import STAGES, Encoder
from monai_i2v.networks.few_shot_net import FewShotNet, per_object
from monai_i2v.networks.residual_block import ResidualBlock

__all__ = ["AFA", "AFASupport", "LargeKernelAttention", "PairFusion"]


class AFASupport(NamedTuple):
    """What the network keeps of an annotated frame."""

    masked: list[Tensor]  # per stage (N, F, h, w), of the frame with all but one object gray
    present: Tensor  # (B, 1 + K, 1, 1), see `occurring_classes`


class AFA(FewShotNet[list[Tensor], AFASupport]):
    """A U-shaped network whose encoder looks at the query and at the support's object side by side.

    Args:
        encoder: image encoder; for the paper's form ``ResNetEncoder(50, frozen=(4, 8, 16, 32))``.
        widths: feature channels `F` per stage, from the finest, multiples of 4.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.few_shot import AFA
        >>> net = AFA(MobileNetV2Encoder(), widths=(16, 16, 32, 32)).eval()
        >>> net(*torch.rand(2, 1, 3, 64, 64), torch.ones(1, 1, 64, 64)).shape
        torch.Size([1, 2, 64, 64])
    """

    grid = 32

    def __init__(self, encoder: Encoder, *, widths: Sequence[int] = (64, 128, 256, 512)) -> None:
        super().__init__(encoder)
        pairs = list(zip(STAGES, widths, strict=True))
        self.reduce = nn.ModuleList(nn.Conv2d(encoder.channels[stage], width, 1) for stage, width in pairs)
        self.fuse = nn.ModuleList(PairFusion(width) for width in widths)
        self.attend = LargeKernelAttention(widths[-1])
        self.up = nn.ModuleList(_UpBlock(widths[level + 1], widths[level]) for level in range(len(widths) - 1))
        self.classify = nn.Conv2d(widths[0], 2, 1)

    def extract(self, padded: Tensor) -> list[Tensor]:
        """Per stage (B, F, h, w); see `FewShotNet.extract`."""
        features = self.encoder(padded)
        return [reduce(features[stage]) for stage, reduce in zip(STAGES, self.reduce, strict=True)]

    def encode_support(self, frame: Tensor, masks: Tensor) -> AFASupport:
        """See `FewShotNet.encode_support`."""
        inside = masks.unsqueeze(2)  # (B, K, 1, H, W)
        one_object = frame.unsqueeze(1) * inside + self.encoder.mean * (1 - inside)
        return AFASupport(self.encode_frame(one_object.flatten(0, 1)), occurring_classes(masks))

    def match(self, features: list[Tensor], support: AFASupport) -> Tensor:
        """See `FewShotNet.match`."""
        objects = support.present.shape[1] - 1
        fused = [
            fuse(per_object(query, objects), masked)
            for fuse, query, masked in zip(self.fuse, features, support.masked, strict=True)
        ]
        x = self.attend(fused[-1])
        for up, skip in zip(reversed(self.up), fused[-2::-1], strict=True):
            x = up(x, skip)
        logits: Tensor = self.classify(x)
        return logits


class PairFusion(nn.Module):
    """Two maps as the slices of a volume, which a 3-D convolution makes one.

    It reaches both slices from its only place, so it is a 2-D convolution over their channels side by side, which is
    many times faster in bfloat16 on CPUs.

    Args:
        width: feature channels `F`.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fuse = nn.Conv2d(2 * width, width, 3, padding=1)

    def forward(self, query: Tensor, support: Tensor) -> Tensor:
        """Two maps (N, F, h, w) to one."""
        fused: Tensor = self.fuse(torch.cat([query, support], dim=1)).relu()
        return fused


class LargeKernelAttention(nn.Module):
    """Weigh each feature by what is around it, far and near (Guo et al., CVM 2023).

    Args:
        width: feature channels `F`.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Conv2d(width, width, 5, padding=2, groups=width),
            nn.Conv2d(width, width, 7, padding=9, dilation=3, groups=width),
            nn.Conv2d(width, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, F, h, w) to (N, F, h, w)."""
        return x * self.weigh(x)


class _UpBlock(nn.Module):
    """Twice the resolution, joined with what the gate lets through of the finer stage."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.shrink = nn.Conv2d(coarse, fine, 1)
        self.gate = _Gate(fine)
        self.conv = ResidualBlock(2 * fine, fine)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = F.interpolate(self.shrink(x), skip.shape[-2:], mode="bilinear", align_corners=False)
        joined: Tensor = self.conv(torch.cat([x, self.gate(x, skip)], dim=1))
        return joined


class _Gate(nn.Module):
    """What of a skip the coarser map asks for (Oktay et al., 2018).

    MONAI's `AttentionBlock` has batch norms, with which a frame alone is not what it is among others.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ask, self.offer = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        self.weigh = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(width, 1, 1), nn.Sigmoid())

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        gated: Tensor = skip * self.weigh(self.ask(x) + self.offer(skip))
        return gated
