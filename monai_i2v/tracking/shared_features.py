# SPDX-License-Identifier: Apache-2.0
"""A network on the frames of one video, by index; what does not depend on objects is computed once for all tracks.

Axes: `K` objects, `h w` pixels of the network.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor

from monai_i2v.propagation import MemoryNet
from monai_i2v.tracking.working_frames import WorkingFrames

__all__ = ["SharedFeatures"]

MAX_BYTES = 256 << 20


class SharedFeatures:
    """A `VideoSegmenter` whose frames are indices of a video, without gradients and in a precision.

    Of a `MemoryNet`, the encoder features of the frames last seen are at hand.

    Args:
        network: any `VideoSegmenter`.
        frames: the video's frames, at the size at which the network works.
        dtype: the precision to compute in; probabilities are float32.
        max_bytes: memory for features; 0 for those of one frame.
    """

    def __init__(
        self,
        network: Any,
        frames: WorkingFrames,
        *,
        dtype: torch.dtype = torch.float32,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.network, self.frames, self.dtype, self.room = network, frames, dtype, max_bytes
        self.features: OrderedDict[int, dict[int, Tensor]] = OrderedDict()
        self.has_memory = isinstance(network, MemoryNet)
        self.takes_supports = hasattr(network, "add_support")
        self.evaluations = 0  # frames that the network was asked for

    @torch.no_grad()
    def start(self, frame: int, masks: Tensor) -> Any:
        """See `VideoSegmenter.start`; masks (1, K, h, w)."""
        self.evaluations += 1
        with self._precision():
            return self.network.start(self.frames[frame], masks)

    @torch.no_grad()
    def step(self, frame: int, state: Any) -> tuple[Tensor, Any]:
        """See `VideoSegmenter.step`."""
        self.evaluations += 1
        seen = self.features_of(frame) if self.has_memory else self.frames[frame]
        with self._precision():
            prob, state = (self.network.step_from if self.has_memory else self.network.step)(seen, state)
        return prob.float(), state

    @torch.no_grad()
    def add_support(self, frame: int, masks: Tensor, state: Any) -> Any:
        """See `MemoryNet.add_support`."""
        self.evaluations += 1
        with self._precision():
            return self.network.add_support(self.frames[frame], masks, state)

    @torch.no_grad()
    def remember(self, frame: int, masks: Tensor, state: Any) -> None:
        """See `MemoryNet.remember`."""
        self.evaluations += 1
        features = self.features_of(frame)
        with self._precision():
            self.network.remember(features, masks, state)

    @torch.no_grad()
    def features_of(self, frame: int) -> dict[int, Tensor]:
        """What the encoder of a `MemoryNet` says about a frame."""
        if frame in self.features:
            self.features.move_to_end(frame)
            return self.features[frame]
        pixels = self.frames[frame]
        with self._precision():
            features: dict[int, Tensor] = self.network.encode_frame(pixels)
        self.features[frame] = features
        self.room -= _size(features)
        while self.room < 0 and len(self.features) > 1:
            self.room += _size(self.features.popitem(last=False)[1])
        return features

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.frames.device.type, self.dtype, enabled=self.dtype != torch.float32)


def _size(features: dict[int, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in features.values())
