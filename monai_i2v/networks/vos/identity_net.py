# SPDX-License-Identifier: Apache-2.0
"""All objects in one pass: masks become one map of identities, which attention carries to new frames (AOT, 4.1).

Axes: `B` videos, `K` objects, `I` identities, `H W` pixels, `h w` cells, `M` remembered cells, `F` feature channels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from monai_i2v.errors import UsageError
from monai_i2v.networks.aggregation import with_background
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.matching_net import GRID, Features, MatchingNet, MatchingState, on_grid
from monai_i2v.networks.vos.pyramid_decoder import PyramidDecoder

__all__ = ["IdentityNet", "IdentityState", "PropagationBlock"]

Memory: TypeAlias = tuple[Tensor, Tensor]
"""Keys (B, M, D) and values (B, M, V) of remembered cells."""


@dataclass(kw_only=True)
class IdentityState(MatchingState):
    """What a video has accumulated."""

    identities: Tensor  # (K,), the identity of each object
    long: list[Memory]  # of each block, all frames that were drawn or remembered
    short: list[Memory]  # of each block, the last frame


class PropagationBlock(Protocol):
    """A layer that carries identities; a frame is a stream of tokens (B, h * w, F) to it."""

    def match(self, stream: Tensor, grid: Sequence[int]) -> tuple[Tensor, Any]:
        """The stream, and what of it is compared with other frames."""
        ...

    def memorize(self, seen: Any, identity: Tensor) -> Memory:
        """What is remembered of a frame, from what `match` gave and its identity map (B, h * w, F)."""
        ...

    def propagate(self, stream: Tensor, seen: Any, long: Memory, short: Memory, grid: Sequence[int]) -> Tensor:
        """The stream with what was read of all remembered frames and of the last one."""
        ...


class IdentityNet(MatchingNet[IdentityState]):
    """Layers of attention, to what is remembered and to the last frame, that carry identities.

    Cost and memory do not depend on the number of objects. Only drawn frames are remembered for long unless `every`
    says otherwise. In training each video gives its objects identities by chance, and probabilities, not masks, are
    remembered, so that the second prediction teaches the first.

    Args:
        encoder: image encoder with stages 4, 8 and 16.
        blocks: see `PropagationBlock`.
        channels: `F`, of the identity map and of the stream at first.
        block_channels: of the stream after a block.
        identities: how many objects there may be.
        widths: channels of the decoder at strides 16, 8 and 4.
        every: see `MatchingNet`.
    """

    def __init__(
        self,
        encoder: Encoder,
        blocks: Sequence[nn.Module],
        *,
        channels: int,
        block_channels: int,
        identities: int = 10,
        widths: Sequence[int] = (128, 64, 32),
        every: int | None = None,
    ) -> None:
        super().__init__(encoder, every=every)
        self.identities = identities
        self.embed = nn.Conv2d(encoder.channels[16], channels, 1)
        self.identity = nn.Conv2d(1 + identities, channels, GRID, stride=GRID)
        # So strong that a cell that belongs to one object has a vector of unit variance; training is short.
        nn.init.orthogonal_(self.identity.weight.flatten(1), gain=math.sqrt(1 + identities))
        self.blocks = nn.ModuleList(blocks)
        inner = channels + len(blocks) * block_channels
        self.decoder = PyramidDecoder(encoder.channels, inner, widths, out_channels=1 + identities)

    def begin(self, features: Features, masks: Tensor, present: Tensor) -> IdentityState:
        """See `MatchingNet.begin`.

        Raises:
            UsageError: When there are more objects than identities.
        """
        if masks.shape[1] > self.identities:
            raise UsageError(
                f"there are {masks.shape[1]} masks, expected at most {self.identities}, the number of identities of "
                f"{type(self).__name__}; track fewer objects at a time."
            )
        order = torch.randperm(self.identities) if self.training else torch.arange(self.identities)
        identities = order[: masks.shape[1]].to(masks.device)
        drawn = self._memorize_drawn(features, masks, identities)
        return IdentityState(
            present=present, size=masks.shape[-2:], identities=identities, long=drawn, short=list(drawn)
        )

    def look(self, features: Features, state: IdentityState) -> Tensor:
        """See `MatchingNet.look`."""
        outputs, seen = self._run(features, lambda index, _: (state.long[index], state.short[index]))
        self.traced(features, state)["seen"] = seen
        logits = self.decoder(torch.cat(outputs, dim=1), features)
        return logits[:, 1 + state.identities] - logits[:, :1]

    def remember(self, features: Features, masks: Tensor, state: IdentityState) -> None:
        """See `MemoryNet.remember`."""
        new = self._memorize(features, masks, state)
        state.long = [
            (torch.cat([old[0], one[0]], dim=1), torch.cat([old[1], one[1]], dim=1))
            for old, one in zip(state.long, new, strict=True)
        ]

    def see(self, features: Features, prob: Tensor, state: IdentityState) -> None:
        """The frame becomes the last one."""
        state.short = self._memorize(features, prob, state)

    def identity_map(self, masks: Tensor, identities: Tensor) -> Tensor:
        """Masks (B, K, H, W) as one map of tokens (B, h * w, F); in evaluation each pixel belongs to one object."""
        masks = on_grid(masks)
        shares = with_background(masks)
        if not self.training:
            shares = torch.zeros_like(shares).scatter_(1, shares.argmax(dim=1, keepdim=True), 1.0)
        every = shares.new_zeros(shares.shape[0], 1 + self.identities, *shares.shape[-2:])
        channels = torch.cat([identities.new_zeros(1), 1 + identities])
        mapped: Tensor = self.identity(every.index_copy(1, channels, shares))
        return mapped.flatten(2).transpose(1, 2)

    def _memorize(self, features: Features, masks: Tensor, state: IdentityState) -> list[Memory]:
        """What each block remembers of a frame, from what it saw of it if it has looked at it."""
        seen = self.traced(features, state).get("seen")
        if seen is None:
            return self._memorize_drawn(features, masks, state.identities)
        identity = self.identity_map(masks, state.identities)
        return [block.memorize(one, identity) for block, one in zip(self._typed_blocks(), seen, strict=True)]

    def _memorize_drawn(self, features: Features, masks: Tensor, identities: Tensor) -> list[Memory]:
        """What each block remembers of a frame that attends to itself."""
        identity, blocks, own = self.identity_map(masks, identities), self._typed_blocks(), []

        def recall(index: int, seen: Any) -> tuple[Memory, Memory]:
            own.append(blocks[index].memorize(seen, identity))
            return own[-1], own[-1]

        self._run(features, recall)
        return own

    def _run(
        self, features: Features, recall: Callable[[int, Any], tuple[Memory, Memory]]
    ) -> tuple[list[Tensor], list[Any]]:
        """Embedding and each block's output (B, F, h, w), and what each block saw."""
        x = self.embed(features[16])
        grid, stream = x.shape[-2:], x.flatten(2).transpose(1, 2)
        outputs, seen = [x], []
        for index, block in enumerate(self._typed_blocks()):
            stream, one = block.match(stream, grid)
            stream = block.propagate(stream, one, *recall(index, one), grid)
            seen.append(one)
            outputs.append(stream.transpose(1, 2).unflatten(2, grid))
        return outputs, seen

    def _typed_blocks(self) -> list[PropagationBlock]:
        return list(self.blocks)  # type: ignore[arg-type]
