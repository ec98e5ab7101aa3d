# SPDX-License-Identifier: Apache-2.0
"""TCMN, the temporal contrastive memory network: STCN's matching in a medical setting, with a loss on its values.

Axes: `B` videos, `T` frames, `K` objects, `C` image channels, `H W` pixels, `D` key, `V` value, `F` feature channels,
`h w` features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.memory import MemoryPolicy, MemoryState
from monai_i2v.networks.aggregation import occurring_classes, soft_aggregate
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.mask_decoder import MaskDecoder
from monai_i2v.networks.mask_encoder import ResNetMaskEncoder
from monai_i2v.networks.reference_crops import reference_crops
from monai_i2v.networks.residual_block import ResidualBlock
from monai_i2v.networks.resnet_encoder import ResNetEncoder
from monai_i2v.propagation import follow, segment_clip

__all__ = ["ClipPrediction", "TemporalContrastiveMemoryNet", "TemporalMemoryState"]

# The grid on which the network works, px; frames are padded to it and logits cropped back.
GRID = 16


# What is remembered is a part of the caller's settings; the paper's is every fifth frame.
DEFAULT_POLICY = MemoryPolicy()


class ClipPrediction(NamedTuple):
    """What the network says about a clip in training."""

    prob: Tensor  # (B, T, K, H, W); the first frame's are the given masks
    values: Tensor  # (B, K, frames, h * w, V), of the remembered frames in their order


@dataclass(kw_only=True)
class TemporalMemoryState(MemoryState):
    """What a video has accumulated."""

    present: Tensor  # (B, 1 + K, 1, 1), see `occurring_classes`

    def check_size(self, frame: Tensor) -> None:
        """Compare a frame (B, C, H, W) with the first one.

        Raises:
            ValueError: When its size is another.
        """
        if frame.shape[-2:] != self.size:
            height, width = self.size
            raise ValueError(
                f"frame {self.frames} is {frame.shape[-1]}x{frame.shape[-2]} px, but the video began with "
                f"{width}x{height} px; resize the frame, or start again with a mask of its size."
            )


class TemporalContrastiveMemoryNet(nn.Module):
    """Segment a frame by what similar places of earlier frames were (TCMN paper, section 3).

    A frame's key says what is where, a value says what a place of a remembered frame belongs to, one value per object.
    Each place of a new frame reads the values of the remembered places whose keys are near to its own, and a decoder
    turns the read-out and the frame's finer features into masks. Keys are shared by all objects, memory and query.

    Args:
        encoder: image encoder with stages 4, 8 and 16; the paper's ResNet-50 without its last stage when None.
        mask_encoder: from a mask and the sum of the others (B, 2, H, W) to (B, channels, H / 16, W / 16); the paper's
            ResNet-18 without its last stage when None.
        key_channels: `D`.
        value_channels: `V`.
        widths: channels of the decoder at strides 16, 8 and 4.
        background: remember and decode the background like an object, so that what comes into view goes to what it
            resembles; in the paper it is what no object claims.
        policy: what is remembered, and what is read of it. Train with ``MemoryPolicy(mem_every=1)``, as the paper does:
            all frames are remembered, and gradients flow into all values.

    Raises:
        ValueError: When the encoder lacks a stage.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder, SlimMaskEncoder, TemporalContrastiveMemoryNet
        >>> net = TemporalContrastiveMemoryNet(
        ...     MobileNetV2Encoder(last_stage=16), SlimMaskEncoder(64), value_channels=128, widths=(128, 64, 32)
        ... ).eval()
        >>> masks = torch.zeros(1, 2, 64, 64)
        >>> masks[:, 0, :32], masks[:, 1, 32:] = 1, 1
        >>> net(torch.rand(1, 3, 3, 64, 64), masks).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        mask_encoder: nn.Module | None = None,
        *,
        key_channels: int = 64,
        value_channels: int = 512,
        widths: Sequence[int] = (512, 256, 256),
        background: bool = False,
        policy: MemoryPolicy = DEFAULT_POLICY,
    ) -> None:
        super().__init__()
        self.encoder = ResNetEncoder(50, last_stage=16) if encoder is None else encoder
        self.mask_encoder = ResNetMaskEncoder() if mask_encoder is None else mask_encoder
        if not {4, 8, 16} <= set(self.encoder.channels):
            raise ValueError(f"the encoder has stages {tuple(self.encoder.channels)}, but 4, 8 and 16 are needed.")
        channels = self.encoder.channels[16]
        self.project_key = nn.Conv2d(channels, key_channels, 3, padding=1)
        nn.init.orthogonal_(self.project_key.weight.flatten(1))
        nn.init.zeros_(self.project_key.bias)  # type: ignore[arg-type]
        mask_channels = int(self.mask_encoder.channels)  # type: ignore[arg-type]
        self.fuse_value = ResidualBlock(channels + mask_channels, value_channels)
        self.decoder = MaskDecoder(self.encoder.channels, value_channels, widths)
        self.background, self.policy = background, policy

    def forward(self, clip: Tensor, masks: Tensor | None = None) -> Tensor | ClipPrediction:
        """Segment a clip (B, T, C, H, W) by its first frame's masks (B, K, H, W); see `segment_clip`.

        In training the result is a `ClipPrediction`, with the values of what was remembered.
        """
        if not self.training:
            return segment_clip(self, clip, masks)
        first, *frames = clip.unbind(1)
        masks = torch.ones_like(first[:, :1]) if masks is None else masks
        state = self.start(first, masks)
        probs = [masks, *(prob for prob, _ in follow(self, frames, state))]
        return ClipPrediction(torch.stack(probs, dim=1), state.bank.values[:, -masks.shape[1] :])

    def encode_frame(self, frame: Tensor) -> dict[int, Tensor]:
        """Encoder features of frames (B, C, H, W), by stage; they do not depend on any object."""
        h, w = frame.shape[-2:]
        padded = F.pad(frame.to(self.project_key.weight.dtype), (0, -w % GRID, 0, -h % GRID), mode="replicate")
        features: dict[int, Tensor] = self.encoder(padded)
        return features

    def encode_key(self, features: Mapping[int, Tensor]) -> Tensor:
        """Keys (B, D, h, w) of frames, from their encoder features."""
        key: Tensor = self.project_key(features[16])
        return key

    def encode_value(self, features: Mapping[int, Tensor], masks: Tensor) -> Tensor:
        """Values (B, K, V, h, w) of frames, from their encoder features and masks (B, K, H, W).

        With `background`, (B, 1 + K, V, h, w), its own first.
        """
        if self.background:
            masks = torch.cat([(1 - masks.sum(dim=1, keepdim=True)).clamp_min(0), masks], dim=1)
        k, (h, w) = masks.shape[1], masks.shape[-2:]
        others = masks.sum(dim=1, keepdim=True) - masks
        both = torch.stack([masks, others], dim=2)  # (B, K, 2, H, W)
        padded = F.pad(both.flatten(0, 1).to(features[16].dtype), (0, -w % GRID, 0, -h % GRID))
        frame = features[16].unsqueeze(1).expand(-1, k, -1, -1, -1).flatten(0, 1)
        value: Tensor = self.fuse_value(torch.cat([frame, self.mask_encoder(padded)], dim=1))
        return value.unflatten(0, (-1, k))

    def start(self, frame: Tensor, masks: Tensor) -> TemporalMemoryState:
        """See `VideoSegmenter.start`."""
        state = self.start_from(self.encode_frame(frame), masks)
        for crop, crop_masks in reference_crops(frame, masks, self.policy.reference_crops):
            features = self.encode_frame(crop)
            state.bank.keep(self.encode_key(features), self.encode_value(features, crop_masks))
        return state

    def start_from(self, features: Mapping[int, Tensor], masks: Tensor) -> TemporalMemoryState:
        """`start` with the reference's encoder features at hand."""
        bank = self.policy.new_bank()
        bank.write(self.encode_key(features), self.encode_value(features, masks))
        present = occurring_classes(masks, keep_background=self.training)
        return TemporalMemoryState(bank, self.policy, masks.shape[-2:], present=present)

    def add_support(self, frame: Tensor, masks: Tensor, state: TemporalMemoryState) -> TemporalMemoryState:
        """See `MemoryNet.add_support`."""
        features = self.encode_frame(frame)
        state.bank.keep(self.encode_key(features), self.encode_value(features, masks))
        state.present = state.present | occurring_classes(masks, keep_background=self.training)
        return state

    def step(self, frame: Tensor, state: TemporalMemoryState) -> tuple[Tensor, TemporalMemoryState]:
        """See `VideoSegmenter.step`.

        Raises:
            ValueError: When the frame's size is not the reference's.
        """
        state.check_size(frame)
        return self.step_from(self.encode_frame(frame), state)

    def step_from(
        self, features: Mapping[int, Tensor], state: TemporalMemoryState, *, remember: bool | None = None
    ) -> tuple[Tensor, TemporalMemoryState]:
        """See `MemoryNet.step_from`."""
        key = self.encode_key(features)
        logits = self.decoder(self.read(key, state), features)[..., : state.size[0], : state.size[1]]
        if self.background:
            logits = logits[:, 1:] - logits[:, :1]
        prob = soft_aggregate(logits, state.present)
        state.frames += 1
        state.remembered = state.decide(key, prob) if remember is None else remember
        if state.remembered:
            state.bank.write(key, self.encode_value(features, prob))
        return prob, state

    def read(self, key: Tensor, state: TemporalMemoryState) -> Tensor:
        """What a frame's places (B, D, h, w) read from the memory: (B, K, V, h, w)."""
        return state.bank.read(key)

    def remember(self, features: Mapping[int, Tensor], masks: Tensor, state: TemporalMemoryState) -> None:
        """See `MemoryNet.remember`."""
        state.bank.write(self.encode_key(features), self.encode_value(features, masks))
