# SPDX-License-Identifier: Apache-2.0
"""TCMN, the temporal contrastive memory network: STCN's matching in a medical setting, with a loss on its values.

Axes: `B` videos, `T` frames, `K` objects, `C` image channels, `H W` pixels, `D` key, `V` value, `F` feature channels,
`h w` features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from monai_i2v.memory import MemoryBank, MemoryPolicy, MemoryState
from monai_i2v.memory.similarity import Measure
from monai_i2v.networks.aggregation import occurring_classes, with_background
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.mask_decoder import MaskDecoder
from monai_i2v.networks.mask_encoder import ResNetMaskEncoder
from monai_i2v.networks.matching_net import Features, MatchingNet, MatchingState, on_grid
from monai_i2v.networks.reference_crops import reference_crops
from monai_i2v.networks.residual_block import ResidualBlock
from monai_i2v.networks.resnet_encoder import ResNetEncoder

__all__ = ["TemporalContrastiveMemoryNet", "TemporalMemoryState"]

# What is remembered is a part of the caller's settings; the paper's is every fifth frame.
DEFAULT_POLICY = MemoryPolicy()


@dataclass(kw_only=True)
class TemporalMemoryState(MemoryState, MatchingState):
    """What a video has accumulated."""


class TemporalContrastiveMemoryNet(MatchingNet[TemporalMemoryState]):
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
        policy: what is remembered, and what is read of it. In training all frames are remembered and all cells read, as
            in the paper, and gradients flow into all values.

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
        encoder = ResNetEncoder(50, last_stage=16) if encoder is None else encoder
        super().__init__(encoder, every=policy.mem_every)
        self.mask_encoder = ResNetMaskEncoder() if mask_encoder is None else mask_encoder
        channels = self.encoder.channels[16]
        self.project_key = nn.Conv2d(channels, key_channels, 3, padding=1)
        nn.init.orthogonal_(self.project_key.weight.flatten(1))
        nn.init.zeros_(self.project_key.bias)  # type: ignore[arg-type]
        mask_channels = int(self.mask_encoder.channels)  # type: ignore[arg-type]
        self.fuse_value: nn.Module = ResidualBlock(channels + mask_channels, value_channels)
        self.decoder = MaskDecoder(self.encoder.channels, value_channels, widths)
        self.background, self.policy = background, policy

    def encode_key(self, features: Features) -> Tensor:
        """Keys (B, D, h, w) of frames, from their encoder features."""
        key: Tensor = self.project_key(features[16])
        return key

    def encode_value(self, features: Features, masks: Tensor) -> Tensor:
        """Values (B, K, V, h, w) of frames, from their encoder features and masks (B, K, H, W).

        With `background`, (B, 1 + K, V, h, w), its own first.
        """
        if self.background:
            masks = with_background(masks)
        k = masks.shape[1]
        drawn = on_grid(self.draw(features, masks)).flatten(0, 1).to(features[16].dtype)
        frame = features[16].unsqueeze(1).expand(-1, k, -1, -1, -1).flatten(0, 1)
        value: Tensor = self.fuse_value(torch.cat([frame, self.mask_encoder(drawn)], dim=1))
        return value.unflatten(0, (-1, k))

    def draw(self, features: Features, masks: Tensor) -> Tensor:
        """What the mask encoder sees of masks (B, K, H, W): each, and the sum of the others, (B, K, 2, H, W)."""
        return torch.stack([masks, masks.sum(dim=1, keepdim=True) - masks], dim=2)

    def start(self, frame: Tensor, masks: Tensor) -> TemporalMemoryState:
        """See `VideoSegmenter.start`."""
        state = self.start_from(self.encode_frame(frame), masks)
        for crop, crop_masks in reference_crops(frame, masks, self.policy.reference_crops):
            self.keep(self.encode_frame(crop), crop_masks, state)
        return state

    def begin(self, features: Features, masks: Tensor, present: Tensor) -> TemporalMemoryState:
        """See `MatchingNet.begin`."""
        bank = self.new_bank()
        bank.write(self.encode_key(features), self.encode_value(features, masks))
        return TemporalMemoryState(bank=bank, policy=self.policy, size=masks.shape[-2:], present=present)

    def new_bank(self, measure: Measure = "l2") -> MemoryBank:
        """An empty memory as the policy has it; in training one that holds all frames, and of which all is read."""
        return (DEFAULT_POLICY if self.training else self.policy).new_bank(measure)

    def look(self, features: Features, state: TemporalMemoryState) -> Tensor:
        """See `MatchingNet.look`."""
        logits: Tensor = self.decoder(self.read(self.key_of(features, state), state), features)
        return logits[:, 1:] - logits[:, :1] if self.background else logits

    def is_turn(self, features: Features, prob: Tensor, state: TemporalMemoryState) -> bool:
        """As the policy decides; in training always."""
        return self.training or state.decide(self.key_of(features, state), prob)

    def remember(self, features: Features, masks: Tensor, state: TemporalMemoryState) -> None:
        """See `MemoryNet.remember`."""
        state.bank.write(self.memory_key(features, state), self.encode_value(features, masks))

    def keep(self, features: Features, masks: Tensor, state: TemporalMemoryState) -> None:
        """`remember` for good."""
        state.bank.keep(self.memory_key(features, state), self.encode_value(features, masks))
        state.trace = {}

    def add_support(self, frame: Tensor, masks: Tensor, state: TemporalMemoryState) -> TemporalMemoryState:
        """See `MemoryNet.add_support`; the frame is never forgotten."""
        self.keep(self.encode_frame(frame), masks, state)
        state.present = state.present | occurring_classes(masks, keep_background=self.training)
        return state

    def read(self, key: Tensor, state: TemporalMemoryState) -> Tensor:
        """What a frame's places (B, D, h, w) read from the memory: (B, K, V, h, w)."""
        return state.bank.read(key)

    def remembered_values(self, state: TemporalMemoryState) -> Tensor:
        """Values (B, K, frames, h * w, V) of the objects, without the background's."""
        return state.bank.values[:, 1:] if self.background else state.bank.values

    def memory_key(self, features: Features, state: TemporalMemoryState) -> Tensor:
        """What the memory holds of a frame's places, (B, D, h, w)."""
        return self.key_of(features, state)

    def key_of(self, features: Features, state: TemporalMemoryState) -> Tensor:
        """`encode_key`, computed once per frame."""
        trace = self.traced(features, state)
        if "key" not in trace:
            trace["key"] = self.encode_key(features)
        key: Tensor = trace["key"]
        return key
