# SPDX-License-Identifier: Apache-2.0
"""The video at work, and its frames as handlers see them.

Axes: `K` objects, `C` image channels, `H W` pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from monai_i2v.compute import Download
from monai_i2v.data import VideoCase
from monai_i2v.inferers import FrameResult
from monai_i2v.media import Video
from monai_i2v.memory import mask_confidence
from monai_i2v.transforms import masks_to_labels

__all__ = ["SegmentedFrame", "VideoRun"]


@dataclass(frozen=True)
class SegmentedFrame:
    """One segmented frame: ``engine.state.output`` at ``FRAME_COMPLETED``."""

    index: int
    frame: Tensor  # (C, H, W) in [0, 1]
    prob: Tensor  # (K, H, W)
    label_map: np.ndarray  # (H, W), with the labels of the reference's mask
    confidence: tuple[float, ...]  # by object, see `mask_confidence`; 1 where a person drew it
    error: str | None  # why the frame could not be read; its masks are then those of a neighbor


@dataclass
class VideoRun:
    """The video at work: ``engine.state.video_run`` in every handler."""

    case: VideoCase
    video: Video
    label_maps: dict[int, np.ndarray]  # (H, W), of the annotated frames, the reference first
    labels: list[int]
    seconds: dict[str, float] = field(default_factory=dict)
    adaptation_log: list[dict[str, float]] = field(default_factory=list)
    unreadable: int = 0  # frames so far

    def send(self, result: FrameResult) -> Download:
        """A frame's label map and confidence, on the way to the host."""
        labels = masks_to_labels(result.prob, self.labels)
        return Download(labels, mask_confidence(result.prob.unsqueeze(0))[0])

    def label(self, result: FrameResult, download: Download | None = None) -> SegmentedFrame:
        """A frame as handlers see it; annotated ones as they were drawn. What `send` began need not begin again."""
        label_map, confidence = (tensor.numpy() for tensor in (download or self.send(result)).wait())
        if result.index in self.label_maps:
            label_map, confidence = self.label_maps[result.index], np.ones_like(confidence)
        return SegmentedFrame(
            result.index, result.frame, result.prob, label_map, tuple(confidence.tolist()), result.error
        )
