# SPDX-License-Identifier: Apache-2.0
"""Cutie in light form: XMem's match, and a transformer over a few queries per object (Cheng et al., CVPR 2024).

Axes: `B` videos, `T` frames, `K` objects, `V` value, `P` object queries, `F` features, `H W` pixels, `h w` cells.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.matching_net import GRID, Features, on_grid
from monai_i2v.networks.temporal_contrastive_memory_net import TemporalMemoryState
from monai_i2v.networks.vos.attention_blocks import attentive_block
from monai_i2v.networks.vos.object_summary import ObjectSummary, mean_of
from monai_i2v.networks.vos.object_transformer import ObjectTransformer
from monai_i2v.networks.vos.xmem import XMem, XMemState

__all__ = ["Cutie", "CutieState"]

HEAD_WEIGHT = 0.01  # of what the transformer's heads learn (Cutie, appendix)


@dataclass(kw_only=True)
class CutieState(XMemState):
    """What a video has accumulated."""

    last: Tensor  # masks of the last frame on the cells, (B, K, h, w)
    sums: Tensor  # (B * K, P, F), see `ObjectSummary`
    areas: Tensor  # (B * K, P, 1)
    heads: list[list[Tensor]] = field(default_factory=list)  # in training, the transformer's logits of each frame


class Cutie(XMem):
    """A light re-implementation of the idea of Cutie; for the published network see the adapters to real systems.

    What is read of the memory is noisy cell by cell. A few queries per object, which start from a running summary of
    it, say what belongs together.

    Args:
        encoder, mask_encoder, and further settings: see `XMem`.
        queries: `P`, even.
        blocks: of the transformer.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.vos import Cutie
        >>> net = Cutie(MobileNetV2Encoder(last_stage=16)).eval()
        >>> net(torch.rand(1, 3, 3, 64, 64), torch.ones(1, 2, 64, 64).tril()).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    def __init__(
        self,
        encoder: Encoder,
        mask_encoder: nn.Module | None = None,
        *,
        queries: int = 16,
        blocks: int = 1,
        **settings: Any,
    ) -> None:
        super().__init__(encoder, mask_encoder, **settings)
        del self.mix  # what is read is fused with more than the sensory memory
        width = self.decoder.from_readout.in_channels
        self.from_object = nn.Conv2d(self.sensory.channels + 2, width, 1)
        self.from_frame = nn.Conv2d(encoder.channels[16], width, 1)
        self.fuse_pixels = nn.Sequential(attentive_block(width), attentive_block(width))
        self.summarize = ObjectSummary(width, width, queries)
        self.transformer = ObjectTransformer(width, queries=queries, hidden=4 * width, blocks=blocks)

    def begin(self, features: Features, masks: Tensor, present: Tensor) -> CutieState:
        """See `MatchingNet.begin`."""
        value = self.encode_value(features, masks)
        on_cells = self.on_cells(masks)
        sums, areas = self.summarize(value, on_cells)
        fields = self.beginning(features, value, masks, present)
        return CutieState(**fields, last=on_cells, sums=sums, areas=areas)

    def on_cells(self, masks: Tensor) -> Tensor:
        """Share of each cell, (B, K, h, w), that masks (B, K, H, W) cover."""
        return F.avg_pool2d(on_grid(masks), GRID)

    def fuse(self, readout: Tensor, features: Features, state: XMemState) -> Tensor:
        """Read-out (B, K, V, h, w) with the last masks, the sensory memory, the frame, and what the queries say."""
        assert isinstance(state, CutieState)
        objects = readout.shape[1]
        both = torch.stack([state.last, state.last.sum(dim=1, keepdim=True) - state.last], dim=2)
        own = torch.cat([state.sensory.to(readout.dtype), both.to(readout.dtype)], dim=2)
        pixels = (readout.flatten(0, 1) + self.from_object(own.flatten(0, 1))).unflatten(0, (-1, objects))
        pixels = self.fuse_pixels((pixels + self.from_frame(features[16]).unsqueeze(1)).flatten(0, 1))
        pixels, heads = self.transformer(pixels, mean_of(state.sums, state.areas), state.present)
        if self.training:
            state.heads.append(heads)
        fused: Tensor = pixels.unflatten(0, (-1, objects))
        return fused

    def remember(self, features: Features, masks: Tensor, state: TemporalMemoryState) -> None:
        """See `MemoryNet.remember`; the frame joins the summaries, too."""
        super().remember(features, masks, state)
        self._summarize(features, masks, state)

    def keep(self, features: Features, masks: Tensor, state: TemporalMemoryState) -> None:
        """`remember` for good."""
        super().keep(features, masks, state)
        self._summarize(features, masks, state)
        state.trace = {}

    def see(self, features: Features, prob: Tensor, state: TemporalMemoryState) -> None:
        """Renew the sensory memory by the decoder, and also by the value of a frame that is remembered."""
        assert isinstance(state, CutieState)
        trace = self.traced(features, state)
        state.last = self.on_cells(prob)
        state.sensory = self.sensory.after_frame(trace["decoded"], trace["logits"], state.sensory)
        if state.remembered:
            state.sensory = self.sensory.after_value(trace["value"], state.sensory)

    def further_loss(self, state: TemporalMemoryState, truth: Tensor) -> Tensor:
        """Cross entropy and soft Dice of the transformer's heads on the cells, of objects that are shown."""
        assert isinstance(state, CutieState)
        shown = state.present[:, 1:].float()  # (B, K, 1, 1)
        losses = []
        for heads, masks in zip(state.heads, truth[:, 1:].unbind(1), strict=True):
            target = self.on_cells(masks) * shown
            losses += [head_loss(logits.float(), target, shown) for logits in heads]
        return HEAD_WEIGHT * torch.stack(losses).mean()

    def _summarize(self, features: Features, masks: Tensor, state: TemporalMemoryState) -> None:
        assert isinstance(state, CutieState)
        trace = self.traced(features, state)
        value = trace["value"] if "value" in trace else self.encode_value(features, masks)
        sums, areas = self.summarize(value, self.on_cells(masks))
        state.sums, state.areas = state.sums + sums, state.areas + areas


def head_loss(logits: Tensor, target: Tensor, shown: Tensor) -> Tensor:
    """Binary cross entropy and 1 - soft Dice of (B, K, h, w), mean over the objects that are `shown` (B, K, 1, 1)."""
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(dim=(-2, -1), keepdim=True)
    prob = logits.sigmoid()
    overlap, area = ((x).sum(dim=(-2, -1), keepdim=True) for x in (prob * target, prob + target))
    return ((entropy + 1 - (2 * overlap + 1) / (area + 1)) * shown).sum() / shown.sum().clamp_min(1)
