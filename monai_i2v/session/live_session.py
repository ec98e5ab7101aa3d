# SPDX-License-Identifier: Apache-2.0
"""Segment a stream whose end nobody knows, frame by frame.

Axes: `C` image channels, `H W` pixels of the stream.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from monai_i2v.compute import Download, device_of
from monai_i2v.errors import UsageError
from monai_i2v.memory import mask_confidence
from monai_i2v.propagation import follow
from monai_i2v.tracking import WorkingFrames
from monai_i2v.tracking.drawn_masks import checked_labels
from monai_i2v.tracking.working_size import Size
from monai_i2v.transforms import labels_to_masks, masks_to_labels

__all__ = ["LiveFrame", "LiveSession"]


# Annotated frames that are remembered: the first, and the last ones.
MAX_SUPPORTS = 8


@dataclass(frozen=True)
class LiveFrame:
    """A frame of a stream, segmented."""

    index: int  # frames since the session began
    label_map: np.ndarray  # (H, W), int32
    confidence: Mapping[int, float]  # by label, in [0, 1]; see `mask_confidence`
    seconds: float  # from the frame to its masks


class LiveSession:
    """A network that follows a stream. Nothing is kept but its state and annotated frames, so memory stays the same.

    Args:
        network: any `VideoSegmenter` with a bounded memory, in evaluation mode. A `MemoryNet` also knows what was
            annotated before.
        size: short side of the frames that the network sees, px; None keeps the stream's size; ``"auto"`` takes 256, or
            more where what is drawn first is too small for it.

    Example::

        >>> from monai_i2v.phantoms import Phantom
        >>> from monai_i2v.networks import MobileNetV2Encoder, SlimMaskEncoder, TemporalContrastiveMemoryNet
        >>> from monai_i2v.session import LiveSession
        >>> net = TemporalContrastiveMemoryNet(
        ...     MobileNetV2Encoder(last_stage=16), SlimMaskEncoder(64), value_channels=128, widths=(128, 64, 32)
        ... ).eval()
        >>> phantom = Phantom(length=3, size=(64, 64))
        >>> session = LiveSession(net, size=64)
        >>> session.annotate(phantom[0], phantom.label_map(0))
        >>> [session.step(frame).index for frame in list(phantom)[1:]]
        [1, 2]
    """

    def __init__(self, network: Any, *, size: Size = "auto") -> None:
        self.network, self.size = network, size
        self.working: Size = size
        self.device = device_of(network)
        self.state: Any = None
        self.supports: list[tuple[Tensor, Tensor]] = []  # annotated frames (1, C, h, w) and masks (1, K, h, w)
        self.labels: list[int] = []
        self.index = -1
        self.video_size: tuple[int, int] = (0, 0)

    def annotate(self, frame: Tensor, label_map: np.ndarray) -> None:
        """Begin, or correct, at a frame of the stream: what was found before is forgotten.

        Args:
            frame: (C, H, W) in [0, 1]; it counts as the next frame, and is not given to `step`.
            label_map: (H, W), whole numbers; 0 is background. Objects of frames annotated before that are not in it
                are absent; with an object that is new, or frames of another size, those frames are forgotten.

        Raises:
            UsageError: When the label map is empty, not of the frame's size, or no label map.
        """
        label_map = checked_labels(label_map, (frame.shape[-2], frame.shape[-1]))
        labels = [int(label) for label in np.unique(label_map) if label > 0]
        if not labels:
            raise UsageError("the mask is empty, expected an object; draw one first.")
        frames = WorkingFrames([frame], self.working, device=self.device)
        goes_on = set(labels) <= set(self.labels) and frames.video_size == self.video_size
        if not goes_on or not hasattr(self.network, "add_support"):
            self.labels, self.video_size, self.supports = labels, frames.video_size, []
            frames = WorkingFrames([frame], self.size, device=self.device)
            frames.fit(label_map == np.reshape(labels, (-1, 1, 1)))
            self.working = frames.short_side
        masks = frames.resize_masks(labels_to_masks(torch.from_numpy(label_map), self.labels))
        with torch.no_grad():
            self.state = self.network.start(frames[0], masks)
            for support in self.supports:
                self.state = self.network.add_support(*support, self.state)
        self.supports = [*self.supports[:1], *self.supports[1:][2 - MAX_SUPPORTS :], (frames[0], masks)]
        self.index += 1

    def step(self, frame: Tensor) -> LiveFrame:
        """Segment the next frame (C, H, W).

        Raises:
            UsageError: When nothing was annotated yet, or the frame has another size than the annotated one.
        """
        begin = time.perf_counter()
        if self.state is None:
            raise UsageError("no frame was annotated, expected one to start from; call annotate() first.")
        if tuple(frame.shape[-2:]) != self.video_size:
            raise UsageError(
                f"the frame has {tuple(frame.shape[-2:])} pixels, but the annotated one {self.video_size}; annotate a "
                "frame of the new size."
            )
        frames = WorkingFrames([frame], self.working, device=self.device)
        with torch.no_grad():
            ((prob, self.state),) = follow(self.network, [frames[0]], self.state)
            found = Download(masks_to_labels(frames.restore(prob)[0], self.labels), mask_confidence(prob)[0])
        self.index += 1
        label_map, sure = found.wait()
        confidence = dict(zip(self.labels, sure.tolist(), strict=True))
        return LiveFrame(self.index, label_map.numpy(), confidence, time.perf_counter() - begin)
