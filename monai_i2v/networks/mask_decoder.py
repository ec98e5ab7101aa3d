# SPDX-License-Identifier: Apache-2.0
"""The decoder of the memory network: from what was read to a mask (TCMN, C.1).

Axes: `B` videos, `K` objects, `V` value channels, `F` feature channels, `H W` pixels, `h w` features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.residual_block import ResidualBlock

__all__ = ["MaskDecoder"]

STAGES = (16, 8, 4)


class MaskDecoder(nn.Module):
    """Read-out and frame features at stride 16, then twice: upsample, add the finer features, residual block.

    The convolution over read-out and frame features side by side is computed as the sum of two, and the frame's part
    once for all objects; so is each skip.

    Args:
        frame_channels: channels of the encoder's stages 4, 8 and 16.
        value_channels: channels `V` of the read-out.
        widths: channels at stages 16, 8 and 4.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MaskDecoder
        >>> channels = {4: 24, 8: 32, 16: 96}
        >>> decoder = MaskDecoder(channels, value_channels=128)
        >>> features = {stage: torch.rand(1, c, 64 // stage, 96 // stage) for stage, c in channels.items()}
        >>> decoder(torch.rand(1, 3, 128, 4, 6), features).shape  # three objects
        torch.Size([1, 3, 64, 96])
    """

    def __init__(
        self, frame_channels: Mapping[int, int], value_channels: int, widths: Sequence[int] = (128, 64, 32)
    ) -> None:
        super().__init__()
        coarse, middle, fine = widths
        self.from_readout = nn.Conv2d(value_channels, coarse, 3, padding=1)
        self.from_frame = nn.ModuleDict(
            {
                str(stage): nn.Conv2d(frame_channels[stage], width, 3, padding=1)
                for stage, width in zip(STAGES, widths, strict=True)
            }
        )
        self.blocks = nn.ModuleDict(
            {str(stage): ResidualBlock(width, width) for stage, width in zip(STAGES, widths, strict=True)}
        )
        self.narrow = nn.ModuleDict({"8": nn.Conv2d(coarse, middle, 1), "4": nn.Conv2d(middle, fine, 1)})
        self.classify = nn.Conv2d(fine, 1, 3, padding=1)

    def forward(self, readout: Tensor, features: Mapping[int, Tensor]) -> Tensor:
        """
        Args:
            readout: (B, K, V, h, w) at stage 16.
            features: encoder features (B, F, h, w) of the frame, by stage.

        Returns:
            Foreground logits (B, K, H, W), at the frame's size.
        """
        objects = readout.shape[1]
        return self.upsample(self.classify(self.trunk(readout, features)[STAGES[-1]]), objects)

    def trunk(self, readout: Tensor, features: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """What stands behind the logits: features (B * K, F, h, w) of all objects at strides 16, 8 and 4."""
        objects = readout.shape[1]

        def add_frame(x: Tensor, stage: int) -> Tensor:
            """Add a stage's features to those of all objects, (B * K, F, h, w)."""
            frame = self.from_frame[str(stage)](features[stage])
            return (x.unflatten(0, (-1, objects)) + frame.unsqueeze(1)).flatten(0, 1)

        x = self.blocks["16"](add_frame(self.from_readout(readout.flatten(0, 1)), 16))
        decoded = {16: x}
        for stage in STAGES[1:]:
            x = F.interpolate(self.narrow[str(stage)](x), scale_factor=2, mode="bilinear", align_corners=False)
            x = decoded[stage] = self.blocks[str(stage)](add_frame(x, stage))
        return decoded

    def upsample(self, logits: Tensor, objects: int) -> Tensor:
        """Logits (B * K, 1, h, w) at stride 4 to (B, K, H, W)."""
        full = F.interpolate(logits, scale_factor=STAGES[-1], mode="bilinear", align_corners=False)
        return full.squeeze(1).unflatten(0, (-1, objects))
