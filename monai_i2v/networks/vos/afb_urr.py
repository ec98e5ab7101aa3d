# SPDX-License-Identifier: Apache-2.0
"""AFB-URR in light form: an adaptive memory per object, and unsure pixels that ask sure neighbors (Liang et al., 2020).

Axes: `B` videos, `K` objects, `N` = `B` x (1 + `K`) with the background first, `D` key, `V` value, `H W` pixels,
`h w` features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from monai_i2v.memory import AdaptiveBank
from monai_i2v.networks.aggregation import with_background
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.mask_decoder import MaskDecoder
from monai_i2v.networks.mask_encoder import SlimMaskEncoder
from monai_i2v.networks.matching_net import FRAME, Features, MatchingNet, MatchingState, on_grid
from monai_i2v.networks.residual_block import ResidualBlock
from monai_i2v.networks.vos.refinement import Refinement, uncertainty

__all__ = ["AFBURR", "AFBURRState"]

UNCERTAINTY_WEIGHT = 0.5
MOST_CELLS = 4
"""Frames' worth of cells that an object may keep, unless another budget is given."""
DRAWN = 5
"""Channels that the mask encoder sees: the frame's three, the mask, and the sum of the others."""


@dataclass(kw_only=True)
class AFBURRState(MatchingState):
    """What a video has accumulated."""

    banks: list[AdaptiveBank]  # of each of the N objects; empty in training
    cells: tuple[Tensor, Tensor]  # the reference's keys (N, M, D) and values (N, M, V)
    unsure: list[Tensor] = field(default_factory=list)  # in training, the uncertainty loss of each frame


class AFBURR(MatchingNet[AFBURRState]):
    """A light re-implementation of the idea of AFB-URR (NeurIPS 2020).

    Every object, and the background, has a memory of its own that stays small: it absorbs every frame. Where two
    objects are about equally likely, the decision is refined by what the object's sure pixels nearby look like. As in
    the paper training segments each frame from the reference alone, so that the bank itself is never trained.

    Args:
        encoder: image encoder with stages 4, 8 and 16.
        key_channels: `D`.
        value_channels: `V`.
        widths: channels of the decoder at strides 16, 8 and 4.
        threshold: see `AdaptiveBank`.
        budget: cells per object; those of four frames when None.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.vos import AFBURR
        >>> net = AFBURR(MobileNetV2Encoder(last_stage=16)).eval()
        >>> net(torch.rand(1, 3, 3, 64, 64), torch.ones(1, 2, 64, 64).tril()).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    keeps_frame = True

    def __init__(
        self,
        encoder: Encoder,
        *,
        key_channels: int = 64,
        value_channels: int = 64,
        widths: Sequence[int] = (128, 64, 32),
        threshold: float = 0.95,
        budget: int | None = None,
    ) -> None:
        super().__init__(encoder, every=1)
        channels = encoder.channels[16]
        self.mask_encoder = SlimMaskEncoder(64, in_channels=DRAWN)
        self.fuse = ResidualBlock(channels + self.mask_encoder.channels, channels)
        self.to_key, self.to_value = (nn.Conv2d(channels, n, 3, padding=1) for n in (key_channels, value_channels))
        self.decoder = MaskDecoder(encoder.channels, 2 * value_channels, widths)
        self.refine = Refinement(encoder.channels[4])
        self.threshold, self.budget = threshold, budget

    def begin(self, features: Features, masks: Tensor, present: Tensor) -> AFBURRState:
        """See `MatchingNet.begin`."""
        cells = self.encode_cells(features, masks)
        budget = MOST_CELLS * cells[0].shape[1] if self.budget is None else self.budget
        banks = [
            AdaptiveBank(key, value, threshold=self.threshold, budget=budget)
            for key, value in zip(*cells, strict=True)
            if not self.training
        ]
        return AFBURRState(present=present, size=masks.shape[-2:], banks=banks, cells=cells)

    def look(self, features: Features, state: AFBURRState) -> Tensor:
        """See `MatchingNet.look`."""
        present, size = state.present, features[16].shape[-2:]
        query, own = (head(features[16]).flatten(2).transpose(1, 2) for head in (self.to_key, self.to_value))
        read = self.read(query.float(), state).to(own.dtype)  # (B, 1 + K, Q, V)
        both = torch.cat([read, own.unsqueeze(1).expand(-1, read.shape[1], -1, -1)], dim=3)
        decoded = self.decoder.trunk(both.transpose(2, 3).unflatten(3, size), features)
        rough = self.decoder.classify(decoded[4]).squeeze(1).unflatten(0, (-1, read.shape[1]))  # (B, 1 + K, h, w)
        logits = rough + self.refine(rough.float(), features[4], present)
        full = self.decoder.upsample(logits.flatten(0, 1).unsqueeze(1), read.shape[1])
        if self.training:
            sure = uncertainty(full.float().masked_fill(~present, float("-inf")).softmax(dim=1))
            state.unsure.append(sure.square().mean().sqrt())
        return full[:, 1:] - full[:, :1]

    def read(self, query: Tensor, state: AFBURRState) -> Tensor:
        """What a frame's cells (B, Q, D) read of each object's memory: (B, 1 + K, Q, V)."""
        objects = state.present.shape[1]
        if state.banks:
            queries = query.repeat_interleave(objects, dim=0)
            read = torch.stack([bank.read(one) for bank, one in zip(state.banks, queries, strict=True)])
        else:
            keys, values = (x.float() for x in state.cells)
            scores = query.repeat_interleave(objects, dim=0) @ keys.transpose(1, 2) / math.sqrt(query.shape[-1])
            read = scores.softmax(dim=-1) @ values
        return read.unflatten(0, (-1, objects))

    def remember(self, features: Features, masks: Tensor, state: AFBURRState) -> None:
        """See `MemoryNet.remember`; in training nothing is remembered but the reference."""
        if self.training:
            return
        for bank, key, value in zip(state.banks, *self.encode_cells(features, masks), strict=True):
            bank.absorb(key, value)

    def encode_cells(self, features: Features, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Keys (N, h * w, D) and values (N, h * w, V) of a frame's cells, for the background and each object."""
        masks = on_grid(masks)
        masks = with_background(masks)
        others = masks.sum(dim=1, keepdim=True) - masks
        frame, x = (features[stride].unsqueeze(1).expand(-1, masks.shape[1], -1, -1, -1) for stride in (FRAME, 16))
        drawn = torch.cat([frame.to(masks.dtype), torch.stack([masks, others], dim=2)], dim=2).flatten(0, 1)
        mixed = self.fuse(torch.cat([x.flatten(0, 1), self.mask_encoder(drawn.to(x.dtype))], dim=1))
        key, value = (head(mixed).flatten(2).transpose(1, 2) for head in (self.to_key, self.to_value))
        return key, value

    def further_loss(self, state: AFBURRState, truth: Tensor) -> Tensor:
        """The uncertainty of the masks, which is to become small (AFB-URR, eq. 13)."""
        return UNCERTAINTY_WEIGHT * torch.stack(state.unsure).mean()
