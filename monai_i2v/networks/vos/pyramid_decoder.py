# SPDX-License-Identifier: Apache-2.0
"""A decoder with narrow skips and any number of output channels (AOT, A.1; FPN, Lin et al., CVPR 2017).

Axes: `B` videos, `N` = `B` x objects that are decoded apart, `F` feature channels, `H W` pixels, `h w` features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["PyramidDecoder"]

STAGES = (16, 8, 4)


class PyramidDecoder(nn.Module):
    """At strides 16, 8 and 4: add the frame's features through a 1x1 convolution, then 3x3, group norm, ReLU.

    Args:
        frame_channels: channels of the encoder's stages 4, 8 and 16.
        in_channels: channels of the input.
        widths: channels at stages 16, 8 and 4, multiples of 8.
        out_channels: of the logits.

    Example::

        >>> import torch
        >>> from monai_i2v.networks.vos.pyramid_decoder import PyramidDecoder
        >>> channels = {4: 24, 8: 32, 16: 96}
        >>> features = {stage: torch.rand(1, c, 64 // stage, 96 // stage) for stage, c in channels.items()}
        >>> PyramidDecoder(channels, 8, out_channels=11)(torch.rand(1, 8, 4, 6), features).shape
        torch.Size([1, 11, 64, 96])
    """

    def __init__(
        self,
        frame_channels: Mapping[int, int],
        in_channels: int,
        widths: Sequence[int] = (128, 64, 32),
        *,
        out_channels: int = 1,
    ) -> None:
        super().__init__()
        self.enter = nn.Conv2d(in_channels, widths[0], 1)
        befores = (widths[0], *widths[:-1])
        steps = list(zip(STAGES, befores, widths, strict=True))
        self.skips = nn.ModuleDict({str(stage): nn.Conv2d(frame_channels[stage], n, 1) for stage, n, _ in steps})
        self.blocks = nn.ModuleDict(
            {
                str(stage): nn.Sequential(
                    nn.Conv2d(before, width, 3, padding=1, bias=False), nn.GroupNorm(8, width), nn.ReLU()
                )
                for stage, before, width in steps
            }
        )
        self.classify = nn.Conv2d(widths[-1], out_channels, 3, padding=1)

    def forward(self, x: Tensor, features: Mapping[int, Tensor]) -> Tensor:
        """
        Args:
            x: (N, F, h, w) at stage 16; those of one video are neighbors.
            features: encoder features (B, F, h, w) of the frame, by stage.

        Returns:
            Logits (N, out_channels, H, W), at the frame's size.
        """
        videos = features[16].shape[0]
        x = self.enter(x)
        for stage in STAGES:
            if stage != STAGES[0]:
                x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            skip = self.skips[str(stage)](features[stage]).unsqueeze(1)
            x = self.blocks[str(stage)]((x.unflatten(0, (videos, -1)) + skip).flatten(0, 1))
        return F.interpolate(self.classify(x), scale_factor=STAGES[-1], mode="bilinear", align_corners=False)
