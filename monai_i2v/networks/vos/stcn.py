# SPDX-License-Identifier: Apache-2.0
"""STCN in light form: keys of the frame alone, values of frame and mask (Cheng, Tai, Tang, NeurIPS 2021).

Axes: `B` videos, `K` objects, `C` channels of what the mask encoder sees, `H W` pixels, `F` feature channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from monai_i2v.memory import MemoryPolicy
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.mask_encoder import SlimMaskEncoder
from monai_i2v.networks.matching_net import FRAME, Features, on_grid
from monai_i2v.networks.residual_block import ResidualBlock
from monai_i2v.networks.temporal_contrastive_memory_net import (
    DEFAULT_POLICY,
    TemporalContrastiveMemoryNet,
    TemporalMemoryState,
)
from monai_i2v.networks.vos.attention_blocks import CBAM

__all__ = ["STCN", "AttentiveFusion"]

DRAWN = 5
"""Channels that the mask encoder sees: the frame's three, the mask, and the sum of the others."""


class AttentiveFusion(nn.Module):
    """Frame and mask features become a value: two residual blocks with CBAM between them (STCN, 3.1)."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.enter, self.attend = ResidualBlock(in_channels, channels), CBAM(channels)
        self.leave = ResidualBlock(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, h, w) to (B, channels, h, w)."""
        x = self.enter(x)
        value: Tensor = self.leave(x + self.attend(x))
        return value


class STCN(TemporalContrastiveMemoryNet):
    """A light re-implementation of the idea of STCN: TCMN without the loss on its values.

    Beyond TCMN, the mask encoder also sees the frame, and CBAM helps to fuse frame and mask.

    Args:
        encoder: image encoder with stages 4, 8 and 16.
        mask_encoder: from (B, 5, H, W) to (B, channels, H / 16, W / 16); 64 channels when None.
        key_channels: `D`.
        value_channels: `V`.
        widths: channels of the decoder at strides 16, 8 and 4.
        attention: fuse with CBAM, as in the paper; False fuses as TCMN.
        policy: see `TemporalContrastiveMemoryNet`.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.vos import STCN
        >>> net = STCN(MobileNetV2Encoder(last_stage=16)).eval()
        >>> net(torch.rand(1, 3, 3, 64, 64), torch.ones(1, 2, 64, 64).tril()).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    keeps_frame = True

    def __init__(
        self,
        encoder: Encoder,
        mask_encoder: nn.Module | None = None,
        *,
        key_channels: int = 64,
        value_channels: int = 128,
        widths: Sequence[int] = (128, 64, 32),
        attention: bool = True,
        policy: MemoryPolicy = DEFAULT_POLICY,
    ) -> None:
        super().__init__(
            encoder,
            SlimMaskEncoder(64, in_channels=DRAWN) if mask_encoder is None else mask_encoder,
            key_channels=key_channels,
            value_channels=value_channels,
            widths=widths,
            policy=policy,
        )
        if attention:
            channels = encoder.channels[16] + int(self.mask_encoder.channels)  # type: ignore[arg-type]
            self.fuse_value = AttentiveFusion(channels, value_channels)

    def draw(self, features: Features, masks: Tensor) -> Tensor:
        """Frame, mask, and the sum of the other masks (B, K, 5, H, W)."""
        both = on_grid(super().draw(features, masks))
        frame = features[FRAME].to(both.dtype).unsqueeze(1).expand(-1, both.shape[1], -1, -1, -1)
        return torch.cat([frame, both], dim=2)

    def remembered_values(self, state: TemporalMemoryState) -> Tensor:
        """None: nothing is learned from them."""
        return state.present.new_zeros(0, dtype=torch.float32)
