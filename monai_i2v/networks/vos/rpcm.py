# SPDX-License-Identifier: Apache-2.0
"""RPCM in light form: propagate from the last frame, then correct by the reference (Xu et al., AAAI 2022).

Axes: `B` videos, `K` objects, `N` = `B` x `K`, `F` feature channels, `H W` pixels, `h w` cells at stride 8.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.matching_net import Features, MatchingNet, MatchingState, on_grid
from monai_i2v.networks.residual_block import ResidualBlock
from monai_i2v.networks.vos.annotated_cells import AnnotatedCells, means_of, reliable_cells
from monai_i2v.networks.vos.distance_maps import FAR, DistanceMaps, cells_in_reach, mean_squares

__all__ = ["RPCM", "RPCMState"]

STRIDE = 8
REACHES = (2, 4, 6)  # of the windows on the last frame, cells
DECODED = 32
GROUPS = 8


@dataclass(kw_only=True)
class RPCMState(MatchingState):
    """What a video has accumulated."""

    references: list[AnnotatedCells]
    last: AnnotatedCells
    before: Tensor  # features (N, F, h, w) of the last frame before the modulators
    corrected: Tensor | None = None  # of the first frame that was segmented, after the first modulator


class GatedBlock(nn.Module):
    """Channels are weighed by what is known of the object, then a residual block (RPCM, 3.1)."""

    def __init__(self, in_channels: int, channels: int, head_channels: int) -> None:
        super().__init__()
        self.gate, self.block = nn.Linear(head_channels, in_channels), ResidualBlock(in_channels, channels)

    def forward(self, x: Tensor, head: Tensor) -> Tensor:
        """(N, F, h, w) and (N, head channels) to (N, channels, h, w)."""
        gated: Tensor = self.block(x * (1 + self.gate(head).tanh())[..., None, None])
        return gated


class RPCM(MatchingNet[RPCMState]):
    """A light re-implementation of the idea of RPCM (reliable propagation-correction modulation).

    A cell knows how far it is from each object in the references and in the last frame. What is made of that is
    modulated twice: by the last frame's features, and by those of the first frame that was segmented, which are nearest
    to what was drawn. Only cells of low entropy become references.

    The paper's threshold, 1.0 nats, can never be passed with one object; here it is a share of the largest entropy.

    Args:
        encoder: image encoder with stages 4, 8 and 16.
        channels: `F`.
        most: references that are kept; the oldest but the first go.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.vos import RPCM
        >>> net = RPCM(MobileNetV2Encoder(last_stage=16)).eval()
        >>> net(torch.rand(1, 3, 3, 64, 64), torch.ones(1, 2, 64, 64).tril()).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    def __init__(self, encoder: Encoder, *, channels: int = 64, most: int = 8) -> None:
        super().__init__(encoder, every=5)
        frame, head = encoder.channels, 4 * channels
        self.embed = nn.Sequential(
            nn.Conv2d(frame[8] + frame[16], channels, 3, padding=1, bias=False), nn.GroupNorm(GROUPS, channels)
        )
        self.far, self.near = DistanceMaps(), nn.ModuleList(DistanceMaps() for _ in REACHES)
        self.know = nn.Sequential(
            nn.Conv2d(3 + 2 * len(REACHES), channels, 1, bias=False), nn.GroupNorm(GROUPS, channels), nn.ReLU()
        )
        self.enter = nn.Conv2d(2 * channels, channels, 1)
        self.trunk, self.propagate, self.correct = (
            nn.ModuleList(GatedBlock(first, channels, head) for first in pair)
            for pair in ((channels, channels), (2 * channels, channels), (2 * channels, channels))
        )
        self.skip = nn.Conv2d(frame[4], channels, 1)
        self.decode = ResidualBlock(channels, DECODED)
        self.classify = nn.Linear(head, DECODED + 1)
        self.most = most

    def begin(self, features: Features, masks: Tensor, present: Tensor) -> RPCMState:
        """See `MatchingNet.begin`."""
        drawn = self._annotate(features, masks, present)
        state = RPCMState(
            present=present, size=masks.shape[-2:], references=[drawn], last=drawn, before=drawn.embedding
        )
        head = self.head_of(state)
        state.before = self._through(self.trunk, self._compare(drawn.embedding, state), head)
        return state

    def look(self, features: Features, state: RPCMState) -> Tensor:
        """See `MatchingNet.look`."""
        embedding = self._embed(features)
        head = self.head_of(state)
        before = self._through(self.trunk, self._compare(embedding, state), head)
        propagated = self._through(self.propagate, torch.cat([before, state.before.detach()], dim=1), head)
        corrected = propagated if state.corrected is None else state.corrected
        found = self._through(self.correct, torch.cat([propagated, corrected.detach()], dim=1), head)
        self.traced(features, state).update(embedding=embedding, before=before, propagated=propagated)
        return self._decode(found, features, head)

    def remember(self, features: Features, masks: Tensor, state: RPCMState) -> None:
        """See `MemoryNet.remember`."""
        state.references = [*state.references, self._annotate(features, masks, state.present, state)]
        if len(state.references) > self.most:
            del state.references[1]

    def see(self, features: Features, prob: Tensor, state: RPCMState) -> None:
        """The frame becomes the last one."""
        trace = self.traced(features, state)
        state.last = self._annotate(features, prob, state.present, state)
        state.last.reliable = torch.ones_like(state.last.reliable)
        state.before = trace["before"]
        state.corrected = trace["propagated"].detach() if state.corrected is None else state.corrected

    def head_of(self, state: RPCMState) -> Tensor:
        """Mean embeddings of each object and its complement, in the references and in the last frame: (N, 4 F)."""
        references = torch.stack([means_of(one) for one in state.references]).mean(dim=0)
        return torch.cat([references, means_of(state.last)], dim=2).flatten(0, 1)

    def _embed(self, features: Features) -> Tensor:
        coarse = F.interpolate(features[16], features[8].shape[-2:], mode="bilinear", align_corners=False)
        embedding: Tensor = self.embed(torch.cat([features[8], coarse], dim=1))
        return embedding

    def _annotate(
        self, features: Features, masks: Tensor, present: Tensor, state: RPCMState | None = None
    ) -> AnnotatedCells:
        trace = {} if state is None else self.traced(features, state)
        embedding = trace["embedding"] if "embedding" in trace else self._embed(features)
        cells = F.avg_pool2d(on_grid(masks), STRIDE)
        return AnnotatedCells(embedding, cells, reliable_cells(cells, present))

    def _compare(self, embedding: Tensor, state: RPCMState) -> Tensor:
        """A frame's embedding and what is known of its cells, for each object: (N, F, h, w)."""
        size = embedding.shape[-2:]
        far = [
            self.far(mean_squares(embedding, one.embedding), *one.sides) for one in state.references
        ]  # each (B, K, 2, h * w)
        distances, sides = mean_squares(embedding, state.last.embedding), state.last.sides
        near = [
            module(distances.masked_fill(~cells_in_reach(size, reach, embedding.device), FAR), *sides)
            for module, reach in zip(self.near, REACHES, strict=True)
        ]
        maps = torch.cat([torch.stack(far).amin(dim=0), *near], dim=2).unflatten(3, size)
        known = torch.cat([maps.to(embedding.dtype), state.last.masks.to(embedding.dtype).unsqueeze(2)], dim=2)
        frame = embedding.repeat_interleave(known.shape[1], dim=0)
        entered: Tensor = self.enter(torch.cat([frame, self.know(known.flatten(0, 1))], dim=1))
        return entered

    def _through(self, blocks: nn.ModuleList, x: Tensor, head: Tensor) -> Tensor:
        for block in blocks:
            x = block(x, head)
        return x

    def _decode(self, x: Tensor, features: Features, head: Tensor) -> Tensor:
        """Logits (B, K, H', W') by a classifier of each object's own."""
        objects = x.shape[0] // features[4].shape[0]
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False).unflatten(0, (-1, objects))
        x = self.decode((x + self.skip(features[4]).unsqueeze(1)).flatten(0, 1))
        weight, bias = self.classify(head).split([DECODED, 1], dim=1)
        logits = torch.einsum("nfhw,nf->nhw", x, weight) + bias.unsqueeze(2)
        logits = logits.unflatten(0, (-1, objects))
        return F.interpolate(logits, scale_factor=STRIDE // 2, mode="bilinear", align_corners=False)
