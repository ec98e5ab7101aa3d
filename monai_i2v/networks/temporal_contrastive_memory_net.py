# SPDX-License-Identifier: Apache-2.0
"""TCMN, the temporal contrastive memory network: STCN's matching in a medical setting, with a loss on its values.

Axes: `B` videos, `T` frames, `K` objects, `C` image channels, `H W` pixels, `D` key, `V` value, `F` feature channels,
`h w` features.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.memory import MemoryBank
from monai_i2v.memory.readout import Measure, Top
from monai_i2v.networks.aggregation import occurring_classes, soft_aggregate
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.mask_decoder import MaskDecoder
from monai_i2v.networks.mask_encoder import ResNetMaskEncoder
from monai_i2v.networks.nearer_views import nearer_views
from monai_i2v.networks.residual_block import ResidualBlock
from monai_i2v.networks.resnet_encoder import ResNetEncoder
from monai_i2v.networks.sureness import sureness
from monai_i2v.propagation import VideoSegmenter, segment_clip

__all__ = ["ClipPrediction", "MemorySettings", "TemporalContrastiveMemoryNet", "TemporalMemoryState"]

# The grid on which the network works, px; frames are padded to it and logits cropped back.
GRID = 16


@dataclass(frozen=True)
class MemorySettings:
    """What the network remembers of a video, and what it reads of that; by default all, as in the paper.

    Args:
        every: every how many frames one is remembered (in training, each one is).
        max_frames: frames that the memory holds, the reference included; None keeps all.
        top: memory cells that a query keeps; None for all.
        sure: frames are remembered whose masks have at least this `sureness`, on average over the objects that have
            one; 0 remembers all, as in the paper. A mistake that is remembered is believed. (All videos of a batch
            decide together.)
        familiar: a frame that is less sure than this shows something new, and is remembered whether it is its turn or
            not; 0 for none, as in the paper.
        zooms: the memory also holds the reference as seen from nearer, these many times; none in the paper. A camera
            that approaches shows textures that the frame itself does not have at that size.

    Raises:
        ValueError: When a zoom is 1 or less.
    """

    every: int = 5
    max_frames: int | None = None
    top: Top = None
    sure: float = 0.0
    familiar: float = 0.0
    zooms: Sequence[float] = ()

    def __post_init__(self) -> None:
        if any(zoom <= 1 for zoom in self.zooms):
            raise ValueError(f"zooms must be more than 1, got {tuple(self.zooms)}; 2 is the frame from half as far.")

    def new_bank(self, measure: Measure = "l2") -> MemoryBank:
        """An empty memory."""
        if self.max_frames is None:
            return MemoryBank(None, top=self.top, measure=measure)
        closer = sum(math.ceil(zoom) ** 2 for zoom in self.zooms)
        return MemoryBank(self.max_frames + closer, top=self.top, measure=measure, kept=1 + closer)

    def is_turn(self, frames: int, prob: Tensor) -> bool:
        """Whether to remember the last of `frames` frames, with its probabilities (B, K, H, W)."""
        turn = (frames - 1) % self.every == 0
        if self.sure <= 0 and self.familiar <= 0:
            return turn
        sure = sureness(prob)
        seen = sure[sure > 0]  # an object that is out of view says nothing about the masks of the others
        mean = seen.mean().item() if seen.numel() else 0.0
        return mean >= self.sure and (turn or mean < self.familiar)


DEFAULT_MEMORY = MemorySettings()


class ClipPrediction(NamedTuple):
    """What the network says about a clip in training."""

    prob: Tensor  # (B, T, K, H, W); the first frame's are the given masks
    values: Tensor  # (B, K, T, h * w, V), of all frames, the last included


@dataclass
class TemporalMemoryState:
    """What a video has accumulated."""

    bank: MemoryBank
    present: Tensor  # (B, 1 + K, 1, 1), see `occurring_classes`
    size: torch.Size  # H, W
    frames: int  # seen so far, the reference included

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
        memory: what is remembered, and what is read of it.

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
        memory: MemorySettings = DEFAULT_MEMORY,
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
        self.background, self.memory = background, memory

    def forward(self, clip: Tensor, masks: Tensor | None = None) -> Tensor | ClipPrediction:
        """Segment a clip (B, T, C, H, W) by its first frame's masks (B, K, H, W); see `segment_clip`.

        In training the result is a `ClipPrediction`, with the values of all frames.
        """
        keeper = _StateKeeper(self)
        prob = segment_clip(keeper, clip, masks)
        return ClipPrediction(prob, keeper.state.bank.values[:, -prob.shape[2] :]) if self.training else prob

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

    def new_bank(self) -> MemoryBank:
        """An empty memory with this network's settings; in training it keeps all frames."""
        return MemoryBank(None, top=self.memory.top) if self.training else self.memory.new_bank()

    def start(self, frame: Tensor, masks: Tensor) -> TemporalMemoryState:
        """See `VideoSegmenter.start`."""
        state = self.start_from(self.encode_frame(frame), masks)
        for part, part_masks in nearer_views(frame, masks, () if self.training else self.memory.zooms):
            self.remember(self.encode_frame(part), part_masks, state)
        return state

    def start_from(self, features: Mapping[int, Tensor], masks: Tensor) -> TemporalMemoryState:
        """`start` with the reference's encoder features at hand."""
        bank = self.new_bank()
        bank.write(self.encode_key(features), self.encode_value(features, masks))
        present = occurring_classes(masks, keep_background=self.training)
        return TemporalMemoryState(bank, present, masks.shape[-2:], frames=1)

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
        if self.is_turn(state, prob) if remember is None else remember:
            state.bank.write(key, self.encode_value(features, prob))
        return prob, state

    def read(self, key: Tensor, state: TemporalMemoryState) -> Tensor:
        """What a frame's places (B, D, h, w) read from the memory: (B, K, V, h, w)."""
        return state.bank.read(key)

    def is_turn(self, state: TemporalMemoryState, prob: Tensor) -> bool:
        """See `MemoryNet.is_turn`; in training it is every frame's turn."""
        return self.training or self.memory.is_turn(state.frames, prob)

    def remember(self, features: Mapping[int, Tensor], masks: Tensor, state: TemporalMemoryState) -> None:
        """See `MemoryNet.remember`."""
        state.bank.write(self.encode_key(features), self.encode_value(features, masks))


class _StateKeeper(VideoSegmenter[TemporalMemoryState]):
    """The network, with its last state at hand."""

    state: TemporalMemoryState

    def __init__(self, net: TemporalContrastiveMemoryNet) -> None:
        self.net = net

    def start(self, frame: Tensor, masks: Tensor) -> TemporalMemoryState:
        self.state = self.net.start(frame, masks)
        return self.state

    def step(self, frame: Tensor, state: TemporalMemoryState) -> tuple[Tensor, TemporalMemoryState]:
        prob, self.state = self.net.step(frame, state)
        return prob, self.state
