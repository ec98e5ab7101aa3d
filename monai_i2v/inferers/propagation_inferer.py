# SPDX-License-Identifier: Apache-2.0
"""Inference over whole videos: any file-backed video or MONAI batch, any segmenter, in both directions of time.

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `X Y T` MONAI's image axes and time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import torch
from monai.inferers import Inferer
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.media import Video
from monai_i2v.options import read_choice, read_switch, read_whole_number
from monai_i2v.propagation import MemoryNet, VideoSegmenter, propagate
from monai_i2v.tracking.absence_gate import AbsenceGate
from monai_i2v.tracking.annotated_video import AnnotatedVideo
from monai_i2v.tracking.waiting_masks import WaitingMasks
from monai_i2v.tracking.working_frames import MIN_SIDE, WorkingFrames

__all__ = ["FrameResult", "PropagationInferer", "propagate_both_ways"]

DTYPES = ("float32", "bfloat16", "float16")
MAX_SIDE = 4096  # px; beyond, a frame needs more memory than machines have

Predictions: TypeAlias = Iterator[tuple[int, Tensor]]
"""Frame index and probabilities (1, K, h, w): frames before the reference going back, then the reference, then on."""


@dataclass(frozen=True)
class FrameResult:
    """One segmented frame."""

    index: int
    frame: Tensor  # (C, H, W) in [0, 1]
    prob: Tensor  # (K, H, W)
    error: str | None  # why the frame could not be read; its masks are then those of a neighbor


def propagate_both_ways(segmenter: VideoSegmenter[Any], video: AnnotatedVideo) -> Predictions:
    """Run `propagate` from the reference back to the start, then from the reference to the end."""
    backward, forward = video.directions()
    if len(backward) > 1:
        back = propagate(segmenter, (video.frames[index] for index in backward), video.masks)
        next(back)  # the reference comes with the frames after it
        yield from zip(backward[1:], back, strict=True)
    yield from zip(forward, propagate(segmenter, (video.frames[index] for index in forward), video.masks), strict=True)


class PropagationInferer(Inferer):
    """Segment a whole video from the masks of one frame.

    Args:
        size: short side of the frames that the network sees, px, in proportion; None keeps the video's size. Results
            come back at the video's size.
        dtype: ``"float32"``, or ``"bfloat16"`` or ``"float16"`` to compute in mixed precision, which is faster where
            the device has instructions for it and changes the masks a little. A test-time adaptation stays in float32.
        crop: show the network only the calibrated region of an ultrasound recording (`VideoInfo.region`), without
            what the machine writes around it; there are no objects outside. Results have the whole size all the same.
        absence: objects may leave the view: a memory network then tells by an `AbsenceGate` when they are not there.

    Raises:
        UsageError: When `size` is no whole number within limits, `dtype` is none of these, or `crop` or `absence` no
            truth value.

    Example::

        >>> import torch
        >>> from monai_i2v.inferers import PropagationInferer
        >>> from monai_i2v.networks import MobileNetV2Encoder, OneShotNet
        >>> net = OneShotNet(MobileNetV2Encoder(output_stride=8), width=32).eval()
        >>> image = torch.rand(1, 1, 48, 64, 5)  # (B, C, X, Y, T), as MONAI loads a gray NIfTI series
        >>> ref_mask = torch.zeros(1, 2, 48, 64)
        >>> ref_mask[:, :, 10:20, 10:30] = 0.5
        >>> PropagationInferer(size=32)(image, net, ref_mask, ref_frame=2).shape
        torch.Size([1, 2, 48, 64, 5])
    """

    def __init__(
        self, size: int | None = 256, *, dtype: str = "float32", crop: bool | str = False, absence: bool | str = False
    ) -> None:
        self.size = read_whole_number("size", size, MIN_SIDE, MAX_SIDE, use="256 (px)", none="for the video's own")
        self.dtype = getattr(torch, read_choice("dtype", dtype, DTYPES, use="float32"))
        self.crop, self.absence = read_switch("crop", crop), read_switch("absence", absence)

    def __call__(self, inputs: Tensor, network: VideoSegmenter[Any], ref_mask: Tensor, ref_frame: int = 0) -> Tensor:
        """
        Args:
            inputs: videos (B, C, X, Y, T) in [0, 1], C = 1 or 3, as MONAI's transforms leave them.
            network: any `VideoSegmenter`.
            ref_mask: masks (B, K, X, Y) of the reference frame.
            ref_frame: index of the reference frame.

        Returns:
            Probabilities (B, K, X, Y, T).
        """
        videos = inputs.movedim(-1, 1).transpose(-2, -1).expand(-1, -1, 3, -1, -1)  # (B, T, 3, H, W)
        masks = ref_mask.transpose(-2, -1)  # (B, K, H, W)
        results = [
            torch.stack([result.prob for result in self.stream(list(video), network, mask, ref_frame)])
            for video, mask in zip(videos, masks, strict=True)
        ]
        return torch.stack(results).movedim(1, -1).transpose(2, 3)

    def stream(
        self,
        video: Video | Sequence[Tensor],
        network: VideoSegmenter[Any],
        masks: Tensor,
        ref_frame: int = 0,
        predict: Callable[[VideoSegmenter[Any], AnnotatedVideo], Predictions] = propagate_both_ways,
    ) -> Iterator[FrameResult]:
        """Segment a video frame by frame; memory does not grow with its length.

        Args:
            video: the video, or a sequence of frames (C, H, W) in [0, 1].
            network: any `VideoSegmenter`.
            masks: masks (K, H, W) of the reference frame, on the network's device.
            ref_frame: index of the reference frame.
            predict: how frames are predicted; the default propagates both ways.

        Yields:
            One `FrameResult` per frame, in the order of time.

        Raises:
            FrameError: When the reference frame cannot be read.
            UsageError: When there is no such frame, `crop` is set, but the video has no calibrated region, or masks
                reach out of it, or `absence` is, but the network has no memory.
        """
        network = self.gated(network)
        annotated = self.annotate(video, masks, ref_frame)
        frames = annotated.frames
        assert isinstance(frames, WorkingFrames)
        previous = None
        predictions = _under_autocast(predict(network, annotated), masks.device.type, self.dtype)
        for index, prob in _in_order_of_time(predictions, ref_frame):
            original = frames.original(index)
            error = frames.unreadable.get(index)
            previous = prob if previous is None or not error else previous  # the first is of a neighbor's picture
            full = masks if index == ref_frame else frames.restore(previous.to(masks)).squeeze(0)
            yield FrameResult(index, original, full, error)

    def gated(self, network: VideoSegmenter[Any]) -> VideoSegmenter[Any]:
        """The network, behind an `AbsenceGate` where `absence` asks for it.

        Raises:
            UsageError: When the network has no memory.
        """
        if not self.absence:
            return network
        if not hasattr(network, "encode_key"):
            raise UsageError(
                f"absence is true, but {type(network).__name__} has no memory that could tell; leave it out, or use "
                "the bundle temporal_contrastive_memory_video_segmentation."
            )
        return AbsenceGate(cast(MemoryNet[Any], network))

    def annotate(self, video: Video | Sequence[Tensor], masks: Tensor, ref_frame: int = 0) -> AnnotatedVideo:
        """The video at the size at which the network works, on the masks' device, with its masks."""
        frames = WorkingFrames(video, self.size, device=masks.device, crop=self.crop)
        frames.check_annotated(ref_frame, "ref_frame")
        return AnnotatedVideo(frames, frames.resize_masks(masks), ref_frame)


def _under_autocast(predictions: Predictions, device: str, dtype: torch.dtype) -> Predictions:
    """Compute each prediction in a precision, and nothing that others do between two of them."""
    while True:
        with torch.autocast(device, dtype, enabled=dtype != torch.float32):
            found = next(predictions, None)
        if found is None:
            return
        yield found[0], found[1].float()


def _in_order_of_time(predictions: Predictions, ref_frame: int) -> Predictions:
    """Hold back the frames before the reference until all of them are there."""
    before = WaitingMasks()
    for index, prob in predictions:
        if index < ref_frame:
            before.push(index, prob)
            continue
        while before:
            yield before.pop()
        yield index, prob
