# SPDX-License-Identifier: Apache-2.0
"""Metrics of whole videos for MONAI's and Ignite's engines: overlap, outline, empty frames, steadiness.

Axes: `B` videos, `K` objects, `X Y` pixels, `T` frames.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal

import torch
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from monai_i2v.metrics.boundary import boundary_f
from monai_i2v.metrics.overlap import dice, iou

__all__ = [
    "BoundaryAccuracy",
    "FBIoU",
    "FalsePositiveArea",
    "RegionSimilarity",
    "TemporalInstability",
    "VideoDice",
    "VideoMetric",
]


class VideoMetric(CumulativeIterationMetric):
    """A score of each frame and object, averaged over the frames, then the objects, then the videos.

    Called with masks ``y_pred`` and ``y`` (B, K, X, Y, T), 0 or 1 (or lists of (K, X, Y, T)), as MONAI's
    transforms leave them; ``aggregate()`` gives the mean. Works in MONAI's engines through
    `monai.handlers.IgniteMetricHandler`.

    Args:
        ref_frame: index of the frame whose mask was given, which does not count; None counts all frames.
        empty: frames without truth of an object do not count for it (``"skip"``), or count 1 when nothing was found
            there and 0 else (``"score"``).
        average: over each video first, so that all videos weigh the same (``"video"``), or over all frames of all
            videos (``"frame"``).

    Raises:
        ValueError: When `ref_frame` is negative, or `empty` or `average` is none of these.

    Example::

        >>> import torch
        >>> from monai.handlers import IgniteMetricHandler
        >>> from monai_i2v.metrics import RegionSimilarity
        >>> truth = torch.zeros(1, 1, 8, 8, 3)
        >>> truth[..., :4, :, :] = 1
        >>> found = truth.clone()
        >>> found[..., 2:4, :, 2] = 0  # half of the object is lost in the last frame
        >>> metric = RegionSimilarity()
        >>> _ = metric(found, truth)
        >>> metric.aggregate().item()
        0.75
        >>> handler = IgniteMetricHandler(metric_fn=RegionSimilarity(), output_transform=lambda output: output)
    """

    def __init__(
        self,
        *,
        ref_frame: int | None = 0,
        empty: Literal["skip", "score"] = "skip",
        average: Literal["video", "frame"] = "video",
    ) -> None:
        super().__init__()
        if empty not in ("skip", "score"):
            raise ValueError(f"empty must be one of 'skip', 'score', got {empty!r}; use 'skip'.")
        if average not in ("video", "frame"):
            raise ValueError(f"average must be one of 'video', 'frame', got {average!r}; use 'video'.")
        self.ref_frame, self.empty, self.average = _checked(ref_frame), empty, average

    @abstractmethod
    def score(self, prediction: Tensor, truth: Tensor) -> Tensor:
        """Scores (...) of masks (..., X, Y), bool."""

    def counts(self, truth: Tensor) -> Tensor:
        """Which frames count, (B, K, T), of masks (B, K, T, X, Y), bool."""
        shown = truth.any(dim=-1).any(dim=-1)
        return shown if self.empty == "skip" else torch.ones_like(shown)

    def has_reference(self, frames: int) -> Tensor:
        """Which of the scores of so many frames have to do with the reference, bool."""
        return torch.tensor([index == self.ref_frame for index in range(frames)])

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **kwargs: Any) -> Tensor:
        prediction, truth = _by_frame(y_pred, y)
        counted = self.counts(truth) & ~self.has_reference(truth.shape[2]).to(truth.device)
        total = torch.where(counted, self.score(prediction, truth), 0.0).sum(dim=-1)  # (B, K)
        number = counted.sum(dim=-1).to(total)
        by_video = (total / number).nanmean(dim=-1)  # objects that never count are left out
        return torch.stack([by_video, total.sum(dim=-1), number.sum(dim=-1)], dim=-1)

    def aggregate(self) -> Tensor:
        """Scalar; not a number when nothing counted."""
        by_video, total, number = self.get_buffer().unbind(dim=-1)
        return by_video.nanmean() if self.average == "video" else total.sum() / number.sum()


class RegionSimilarity(VideoMetric):
    """DAVIS J (Perazzi et al., CVPR 2016): IoU of each frame. See `VideoMetric`."""

    def score(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return iou(prediction, truth)


class VideoDice(VideoMetric):
    """Dice of each frame. See `VideoMetric`."""

    def score(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return dice(prediction, truth)


class BoundaryAccuracy(VideoMetric):
    """DAVIS F (Perazzi et al., CVPR 2016): agreement of the outlines of each frame. See `VideoMetric`.

    As in TCMN's tables; DAVIS itself also leaves out the last frame.
    """

    def score(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return boundary_f(prediction, truth)


class FalsePositiveArea(VideoMetric):
    """Share of the frame that is called object in frames that do not show it; 0 is best. See `VideoMetric`.

    The complement of scores that skip such frames (``empty="skip"``). Its own `empty` has no effect.
    """

    def score(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return prediction.double().mean(dim=(-2, -1))

    def counts(self, truth: Tensor) -> Tensor:
        return ~truth.any(dim=-1).any(dim=-1)


class TemporalInstability(VideoMetric):
    """How much more, or less, neighboring masks differ than they should; 0 is best. See `VideoMetric`.

    Mean over neighboring frames of the absolute difference between the IoU of the two predicted masks and that of the
    two true ones: a mask that flickers where the object rests is unstable, and one that rests where it moves too. It
    says nothing about where the mask is. All neighbors count that have truth; the measure is ours (DAVIS T needs
    outlines as polygons and was given up). Pairs with the reference do not count.
    """

    def score(self, prediction: Tensor, truth: Tensor) -> Tensor:
        found, real = (iou(masks[..., 1:, :, :], masks[..., :-1, :, :]) for masks in (prediction, truth))
        return (found - real).abs()

    def counts(self, truth: Tensor) -> Tensor:
        counted = super().counts(truth)
        return counted[..., 1:] & counted[..., :-1]

    def has_reference(self, frames: int) -> Tensor:
        shown = super().has_reference(frames)
        return shown[1:] | shown[:-1]


class FBIoU(CumulativeIterationMetric):
    """Mean IoU of foreground and background, areas summed over the whole data set (few-shot literature).

    It is large whenever the background is; read it beside the others. Called as `VideoMetric`.

    Args:
        ref_frame: see `VideoMetric`.

    Example::

        >>> import torch
        >>> from monai_i2v.metrics import FBIoU
        >>> truth = torch.tensor([1.0, 1, 0, 0]).view(1, 1, 2, 2, 1)
        >>> metric = FBIoU(ref_frame=None)
        >>> _ = metric(torch.tensor([1.0, 0, 0, 0]).view(1, 1, 2, 2, 1), truth)
        >>> round(metric.aggregate().item(), 4)  # 1 / 2 and 2 / 3
        0.5833
    """

    def __init__(self, *, ref_frame: int | None = 0) -> None:
        super().__init__()
        self.ref_frame = _checked(ref_frame)

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **kwargs: Any) -> Tensor:
        prediction, truth = _by_frame(y_pred, y)
        kept = [index for index in range(truth.shape[2]) if index != self.ref_frame]
        prediction, truth = prediction[:, :, kept], truth[:, :, kept]
        areas = [
            area.flatten(1).sum(dim=1, dtype=torch.float64)
            for found, real in ((prediction, truth), (~prediction, ~truth))
            for area in (found & real, found | real)
        ]
        return torch.stack(areas, dim=-1)  # (B, 4)

    def aggregate(self) -> Tensor:
        """Scalar; a class that neither masks nor truth show counts 1."""
        shared, either = self.get_buffer().sum(dim=0).view(2, 2).unbind(dim=-1)
        return torch.where(either > 0, shared / either.clamp_min(1), 1.0).mean()


def _by_frame(y_pred: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
    """Masks (B, K, T, X, Y), bool."""
    if y is None or y_pred.shape != y.shape or y_pred.ndim != 5:
        shapes = f"{tuple(y_pred.shape)} and {None if y is None else tuple(y.shape)}"
        raise ValueError(f"masks must share one shape (B, K, X, Y, T), got {shapes}; add the axes that lack.")
    prediction, truth = ((masks > 0.5).movedim(-1, 2).as_subclass(Tensor) for masks in (y_pred, y))
    return prediction, truth


def _checked(ref_frame: int | None) -> int | None:
    if ref_frame is not None and ref_frame < 0:
        raise ValueError(f"ref_frame must be 0 or more, or None, got {ref_frame}; count from the first frame.")
    return ref_frame
