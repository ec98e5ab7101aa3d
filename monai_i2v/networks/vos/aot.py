# SPDX-License-Identifier: Apache-2.0
"""AOT in light form: objects are associated by identities in one pass (Yang, Wei, Yang, NeurIPS 2021).

Axes: `B` videos, `K` objects, `F` feature channels, `h w` cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.vos.identity_net import IdentityNet, Memory
from monai_i2v.networks.vos.positions import sine_positions
from monai_i2v.networks.vos.window_attention import WindowAttention, attend

__all__ = ["AOT", "LongShortBlock"]

GROUPS = 32


class DepthwiseFeedForward(nn.Module):
    """Wider, norm, GELU and a depthwise convolution over the cells, narrower again (AOT, A.1)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(channels, hidden), nn.Linear(hidden, channels)
        self.norm, self.act = nn.GroupNorm(GROUPS, hidden), nn.GELU()
        self.near = nn.Conv2d(hidden, hidden, 5, padding=2, groups=hidden, bias=False)

    def forward(self, x: Tensor, grid: Sequence[int]) -> Tensor:
        """(B, h * w, F) to (B, h * w, F)."""
        picture = self.enter(x).transpose(1, 2).unflatten(2, grid)
        picture = self.near(self.act(self.norm(picture)))
        mixed: Tensor = self.leave(picture.flatten(2).transpose(1, 2))
        return mixed


class LongShortBlock(nn.Module):
    """Self-attention, attention to remembered frames and to the last one, feed-forward (AOT, 4.2).

    Args:
        channels: `F`.
        heads: of all attentions.
        hidden: width of the feed-forward network.
        window: side of the windows on the last frame, cells.
    """

    def __init__(self, channels: int, *, heads: int = 8, hidden: int = 512, window: int = 15) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(3))
        self.own = nn.MultiheadAttention(channels, heads, batch_first=True)
        self.to_key, self.to_value = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.near = WindowAttention(channels, channels, heads=heads, window=window)
        self.from_long, self.from_short = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.feed = DepthwiseFeedForward(channels, hidden)

    def match(self, stream: Tensor, grid: Sequence[int]) -> tuple[Tensor, Any]:
        """See `PropagationBlock.match`: keys (B, h * w, F), and what values are made of."""
        x = self.norms[0](stream)
        like = stream.transpose(1, 2).unflatten(2, grid)
        placed = x + sine_positions(x.shape[-1], like)
        stream = stream + self.own(placed, placed, x, need_weights=False)[0]
        x = self.norms[1](stream)
        return stream, (self.to_key(x), x)

    def memorize(self, seen: Any, identity: Tensor) -> Memory:
        """See `PropagationBlock.memorize`."""
        key, x = seen
        return key, self.to_value(x + identity)

    def propagate(self, stream: Tensor, seen: Any, long: Memory, short: Memory, grid: Sequence[int]) -> Tensor:
        """See `PropagationBlock.propagate`."""
        key, _ = seen
        stream = stream + self.from_long(attend(key, *long, self.heads)) + self.from_short(self.near(key, *short, grid))
        fed: Tensor = stream + self.feed(self.norms[2](stream), grid)
        return fed


class AOT(IdentityNet):
    """A light re-implementation of the idea of AOT (its T form: one block, only drawn frames are kept for long).

    Args:
        encoder: image encoder with stages 4, 8 and 16.
        channels: `F`.
        blocks: 1 (T) or 2 (S).
        window: side of the windows on the last frame, cells.
        settings: see `IdentityNet`; ``every=5`` remembers as the L form.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.vos import AOT
        >>> net = AOT(MobileNetV2Encoder(last_stage=16)).eval()
        >>> net(torch.rand(1, 3, 3, 64, 64), torch.ones(1, 2, 64, 64).tril()).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    def __init__(
        self, encoder: Encoder, *, channels: int = 128, blocks: int = 1, window: int = 15, **settings: Any
    ) -> None:
        layers = [LongShortBlock(channels, hidden=4 * channels, window=window) for _ in range(blocks)]
        super().__init__(encoder, layers, channels=channels, block_channels=channels, **settings)
