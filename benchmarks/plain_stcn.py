# SPDX-License-Identifier: Apache-2.0
"""A plain STCN (Cheng et al., NeurIPS 2021): the yardstick of the other benchmarks, written from the paper.

It is built as the paper says and computed as it stands there: memory cells in the last axis, the whole affinity at
once, all memory cells in the softmax, value encoder and decoder once per object, a memory that grows by concatenation.
The attention block (CBAM) in the fusion of values is left out; it costs next to nothing.

Axes: `K` objects, `H W` pixels, `D` key, `V` value, `F` feature channels, `M` memory cells, `Q` query cells, `h w`
features. There is one video, B = 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from monai.networks.nets import resnet18
from torch import Tensor, nn

from monai_i2v.networks import ResNetEncoder, soft_aggregate

GRID = 16  # px
KEY_CHANNELS = 64
VALUE_CHANNELS = 512
MEMORY_EVERY = 5  # frames


@dataclass
class PlainState:
    """What a video has accumulated."""

    keys: Tensor  # (1, D, M)
    values: Tensor  # (K, V, M)
    frames: int


class PlainSTCN(nn.Module):
    """A `VideoSegmenter` with random weights."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = ResNetEncoder(50, last_stage=16)
        self.project_key = nn.Conv2d(1024, KEY_CHANNELS, 3, padding=1)
        self.compress = nn.Conv2d(1024, VALUE_CHANNELS, 3, padding=1)
        net = resnet18(spatial_dims=2, n_input_channels=5, conv1_t_stride=2, bias_downsample=False)
        self.encode_masks = nn.Sequential(net.conv1, net.bn1, net.act, net.maxpool, net.layer1, net.layer2, net.layer3)
        self.fuse = nn.Sequential(PlainBlock(1024 + 256, VALUE_CHANNELS), PlainBlock(VALUE_CHANNELS, VALUE_CHANNELS))
        self.decode16 = PlainBlock(2 * VALUE_CHANNELS, 512)
        self.skip8, self.decode8 = nn.Conv2d(512, 512, 3, padding=1), PlainBlock(512, 256)
        self.skip4, self.decode4 = nn.Conv2d(256, 256, 3, padding=1), PlainBlock(256, 256)
        self.classify = nn.Conv2d(256, 1, 3, padding=1)

    def start(self, frame: Tensor, masks: Tensor) -> PlainState:
        """See `VideoSegmenter.start`."""
        features = self.encode_frame(frame)
        return PlainState(self.encode_key(features), self.encode_value(frame, features, masks), frames=1)

    def step(self, frame: Tensor, state: PlainState) -> tuple[Tensor, PlainState]:
        """See `VideoSegmenter.step`."""
        features = self.encode_frame(frame)
        key = self.encode_key(features)
        logits = self.decode(plain_read(key, state.keys, state.values), features)
        prob = soft_aggregate(logits[..., : frame.shape[-2], : frame.shape[-1]])
        if state.frames % MEMORY_EVERY == 0:
            state.keys = torch.cat([state.keys, key], dim=2)
            state.values = torch.cat([state.values, self.encode_value(frame, features, prob)], dim=2)
        state.frames += 1
        return prob, state

    def encode_frame(self, frame: Tensor) -> dict[int, Tensor]:
        """Encoder features of a frame, by stage."""
        features: dict[int, Tensor] = self.encoder(pad(frame))
        return features

    def encode_key(self, features: dict[int, Tensor]) -> Tensor:
        """Keys (1, D, M of one frame)."""
        return self.project_key(features[16]).flatten(2)

    def encode_value(self, frame: Tensor, features: dict[int, Tensor], masks: Tensor) -> Tensor:
        """Values (K, V, M of one frame), from the frame and its masks (1, K, H, W)."""
        k = masks.shape[1]
        one = masks.transpose(0, 1)  # (K, 1, H, W)
        seen = torch.cat([frame.expand(k, -1, -1, -1), one, masks.sum(dim=1, keepdim=True) - one], dim=1)
        both = torch.cat([features[16].expand(k, -1, -1, -1), self.encode_masks(pad(seen))], dim=1)
        return self.fuse(both).flatten(2)

    def decode(self, readout: Tensor, features: dict[int, Tensor]) -> Tensor:
        """Logits (1, K, H, W) from the read-out (K, V, Q) and the frame's features."""
        k, (h, w) = readout.shape[0], features[16].shape[-2:]
        skip16, skip8, skip4 = (
            skip(features[stage].expand(k, -1, -1, -1))
            for skip, stage in ((self.compress, 16), (self.skip8, 8), (self.skip4, 4))
        )
        x = self.decode16(torch.cat([readout.unflatten(2, (h, w)), skip16], dim=1))
        x = self.decode8(skip8 + enlarge(x, 2))
        x = self.decode4(skip4 + enlarge(x, 2))
        return enlarge(self.classify(x.relu()), 4).transpose(0, 1)


class PlainBlock(nn.Module):
    """Two convolutions, each after a ReLU, and a shortcut, which is a convolution where channels change."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, h, w) to (B, out_channels, h, w)."""
        return self.shortcut(x) + self.conv2(self.conv1(x.relu()).relu())


def plain_read(query: Tensor, keys: Tensor, values: Tensor, top: int | None = None) -> Tensor:
    """The memory read as it is written down, and mostly coded.

    Args:
        query: (1, D, Q).
        keys: (1, D, M).
        values: (K, V, M).
        top: memory cells that a query keeps; all when None.

    Returns:
        (K, V, Q).
    """
    product = keys.transpose(1, 2) @ query  # (1, M, Q)
    scores = (2 * product - keys.square().sum(dim=1).unsqueeze(2)) / math.sqrt(keys.shape[1])
    if top is None:
        return values @ scores.softmax(dim=1)
    best, cells = scores.topk(top, dim=1)
    return values @ scores.zero_().scatter_(1, cells, best.softmax(dim=1))


def pad(frame: Tensor) -> Tensor:
    """Fill up to whole cells."""
    h, w = frame.shape[-2:]
    return F.pad(frame, (0, -w % GRID, 0, -h % GRID))


def enlarge(x: Tensor, factor: int) -> Tensor:
    """Upsample."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
