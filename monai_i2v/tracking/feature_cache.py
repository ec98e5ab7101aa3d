# SPDX-License-Identifier: Apache-2.0
"""One step of a network on a video's frame; what does not depend on objects is computed once for all passes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["FeatureCache"]

MAX_BYTES = 256 << 20


class FeatureCache:
    """Steps of a `VideoSegmenter`; of a `MemoryNet`, with the encoder features of the frames last seen at hand.

    Args:
        network: any `VideoSegmenter`.
        frames: frames (1, C, h, w).
        max_bytes: memory for features.
    """

    def __init__(self, network: Any, frames: Sequence[Tensor], *, max_bytes: int = MAX_BYTES) -> None:
        self.network, self.frames, self.room = network, frames, max_bytes
        self.features: OrderedDict[int, dict[int, Tensor]] = OrderedDict()
        self.takes_apart = hasattr(network, "step_from")  # it is a `MemoryNet`
        self.takes_supports = hasattr(network, "add_support")

    @torch.no_grad()
    def step(self, index: int, state: Any) -> tuple[Tensor, Any, bool]:
        """Probabilities (1, K, h, w) of a frame, the state after it, and whether it is remembered."""
        if not self.takes_apart:
            return *self.network.step(self.frames[index], state), False
        prob, state = self.network.step_from(self.features_of(index), state)
        return prob, state, self.network.is_turn(state, prob)

    @torch.no_grad()
    def features_of(self, index: int) -> dict[int, Tensor]:
        """What the encoder of a `MemoryNet` says about a frame."""
        if index in self.features:
            self.features.move_to_end(index)
            return self.features[index]
        features: dict[int, Tensor] = self.network.encode_frame(self.frames[index])
        self.features[index] = features
        self.room -= _size(features)
        while self.room < 0 and len(self.features) > 1:
            self.room += _size(self.features.popitem(last=False)[1])
        return features


def _size(features: dict[int, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in features.values())
