# SPDX-License-Identifier: Apache-2.0
"""RAB's relearning network: the image network with attention over the last frames before its head (RAB 2.3).

Axes: `B` videos, `K` objects, `T` frames of a window, `C` image channels, `F` feature channels, `H W` pixels, `h w`
features.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from monai_i2v.networks.one_shot_net import OneShotNet, Support
from monai_i2v.networks.temporal_attention_unit import TemporalAttentionUnit
from monai_i2v.propagation import segment_clip

__all__ = ["RelearningNet", "RelearningState"]


@dataclass
class RelearningState:
    """What a video has accumulated."""

    supports: tuple[Support, ...]  # of the annotated frames
    window: Tensor  # (B * K, T, F, h, w), enhanced features of the last frames; at first there are fewer than T


class RelearningNet(nn.Module):
    """Segment a frame by its own features and those of the frames just before it.

    Between feature enhancement and head of the image network stands a `TemporalAttentionUnit`. By default it begins as
    the identity, and the network gives exactly the image network's masks until it is relearned.

    Args:
        image_net: the trained image network; it is copied and stays as it is.
        window: frames that the attention looks at, the present one included.
        scale: see `TemporalAttentionUnit`; 1 is the paper's random start.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder, OneShotNet, RelearningNet
        >>> image_net = OneShotNet(MobileNetV2Encoder(output_stride=8), width=32).eval()
        >>> net = RelearningNet(image_net).eval()
        >>> masks = torch.zeros(1, 2, 64, 64)
        >>> masks[:, :, 16:48, 16:48] = 0.5
        >>> net(torch.rand(1, 3, 3, 64, 64), masks).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    def __init__(self, image_net: OneShotNet, *, window: int = 4, scale: float = 0.0) -> None:
        super().__init__()
        self.net = copy.deepcopy(image_net)
        self.attention = TemporalAttentionUnit(image_net.width, window, scale=scale).to(image_net.head.conv.weight)
        self.train(image_net.training)

    def forward(self, clip: Tensor, masks: Tensor | None = None) -> Tensor:
        """Segment a clip (B, T, C, H, W) by its first frame's masks (B, K, H, W); see `segment_clip`."""
        return segment_clip(self, clip, masks)

    def start(self, frame: Tensor, masks: Tensor) -> RelearningState:
        """See `VideoSegmenter.start`."""
        annotated = self.net.encode_annotated(frame, masks)
        support = self.net.project_support(annotated)
        return RelearningState((support,), self.net.embed(annotated.whole, support).unsqueeze(1))

    def step(self, frame: Tensor, state: RelearningState) -> tuple[Tensor, RelearningState]:
        """See `VideoSegmenter.step`."""
        embedded = self.net.embed(self.net.encode_frame(frame), *state.supports)
        state.window = torch.cat([state.window, embedded.unsqueeze(1)], dim=1)[:, -self.attention.frames :]
        logits = self.net.upsample(self.net.head(self.attention(state.window)[:, -1]), frame.shape[-2:])
        present = torch.stack([one.present for one in state.supports]).any(dim=0)
        return self.net.to_probabilities(logits, present), state

    def add_support(self, frame: Tensor, masks: Tensor, state: RelearningState) -> RelearningState:
        """See `MemoryNet.add_support`."""
        state.supports = (*state.supports, self.net.encode_support(frame, masks))
        return state
