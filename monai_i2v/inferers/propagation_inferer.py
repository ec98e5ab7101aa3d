# SPDX-License-Identifier: Apache-2.0
"""Inference over whole videos: any file-backed video or MONAI batch, any segmenter, in both directions of time.

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `X Y T` MONAI's image axes and time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
from monai.inferers import Inferer
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.media import Video
from monai_i2v.media.read_ahead import ReadAhead
from monai_i2v.options import read_choice, read_switch, read_whole_number
from monai_i2v.propagation import MemoryNet, VideoSegmenter
from monai_i2v.tracking.absence_gate import AbsenceGate
from monai_i2v.tracking.annotated_video import AnnotatedVideo
from monai_i2v.tracking.frame_upload import FrameUpload
from monai_i2v.tracking.mask_store import MaskStore, StoredMasks, in_steps
from monai_i2v.tracking.tracker import Tracker
from monai_i2v.tracking.working_frames import MIN_SIDE, WorkingFrames
from monai_i2v.tracking.working_size import Size

__all__ = ["FrameResult", "PropagationInferer"]

DTYPES = ("float32", "bfloat16", "float16")
MAX_SIDE = 4096  # px; beyond, a frame needs more memory than machines have

Predictions: TypeAlias = Iterator[tuple[int, Tensor]]
"""Frame index and probabilities (1, K, h, w)."""


@dataclass(frozen=True)
class FrameResult:
    """One segmented frame."""

    index: int
    frame: Tensor  # (C, H, W) in [0, 1]
    prob: Tensor  # (K, H, W)
    error: str | None  # why the frame could not be read; its masks are then those of a neighbor


class PropagationInferer(Inferer):
    """Segment a whole video from the masks of one frame.

    Args:
        size: short side of the frames that the network sees, px, in proportion; None keeps the video's size;
            ``"auto"`` takes 256, or more where objects are too small for it, which is logged. Results come back at the
            video's size.
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
        self, size: Size = "auto", *, dtype: str = "float32", crop: bool | str = False, absence: bool | str = False
    ) -> None:
        whole = {"use": "256 (px), or 'auto'", "none": "for the video's own"}
        self.size = size if size == "auto" else read_whole_number("size", size, MIN_SIDE, MAX_SIDE, **whole)
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
        ref_frame: int | Sequence[int] = 0,
        predict: Callable[[VideoSegmenter[Any], AnnotatedVideo], Predictions] | None = None,
        *,
        tell: bool = True,
    ) -> Iterator[FrameResult]:
        """Segment a video frame by frame; memory does not grow with its length, and no graph is kept.

        Args:
            video: the video, or a sequence of frames (C, H, W) in [0, 1].
            network: any `VideoSegmenter`.
            masks: masks (K, H, W) of the reference frame, on the network's device; or (N, K, H, W) of several, in
                which an object that is not there is empty.
            ref_frame: index of the reference frame, or of each of several.
            predict: how frames are predicted, instead of a `Tracker`: the adaptations along a video.
            tell: log that objects are small; False where `annotate` told it.

        Yields:
            One `FrameResult` per frame, in the order of time.

        Raises:
            FrameError: When a reference frame cannot be read.
            UsageError: When there is no such frame, `crop` is set, but the video has no calibrated region, or masks
                reach out of it, or `absence` is, but the network has no memory.
        """
        network = self.gated(network)
        if not isinstance(ref_frame, Sequence):
            masks, ref_frame = masks.unsqueeze(0), [ref_frame]
        given = dict(zip(ref_frame, masks, strict=True))
        prepare = None if masks.device.type == "cpu" else partial(FrameUpload, device=masks.device)
        with ReadAhead(video, prepare) if isinstance(video, Video) else nullcontext(video) as frames:
            annotated = self.annotate(frames, masks[0], ref_frame[0], fit=masks, tell=tell)
            yield from self._results(network, annotated, given, predict)

    def _results(
        self,
        network: VideoSegmenter[Any],
        annotated: AnnotatedVideo,
        given: Mapping[int, Tensor],
        predict: Callable[[VideoSegmenter[Any], AnnotatedVideo], Predictions] | None,
    ) -> Iterator[FrameResult]:
        frames = annotated.frames
        assert isinstance(frames, WorkingFrames)
        if predict is None:
            found = self._track(network, frames, given)
        else:
            found = _restored(predict(network, annotated), frames, annotated.ref_frame)
        previous = None
        for index, prob in found:
            original = frames.original(index)
            error = frames.unreadable.get(index)
            previous = prob if previous is None or not error else previous  # the first is of a neighbor's picture
            yield FrameResult(index, original, given[index] if index in given else previous.to(annotated.masks), error)

    def _track(self, network: VideoSegmenter[Any], frames: WorkingFrames, given: Mapping[int, Tensor]) -> Predictions:
        tracker = Tracker(network, frames, dtype=self.dtype, share=len(given) > 1)
        for index, masks in given.items():
            frames.check_annotated(index, "ref_frame")
            frames.check_inside(masks)
            tracker.drawn[index] = dict(enumerate(masks.cpu().numpy(), start=1))
        return tracker.stream()

    def gated(self, network: VideoSegmenter[Any]) -> VideoSegmenter[Any]:
        """The network, behind an `AbsenceGate` where `absence` asks for it.

        Raises:
            UsageError: When the network has no memory.
        """
        if not self.absence:
            return network
        if not isinstance(network, MemoryNet):
            raise UsageError(
                f"absence is true, but {type(network).__name__} has no memory that could tell; leave it out, or use "
                "the bundle temporal_contrastive_memory_video_segmentation."
            )
        return AbsenceGate(network)

    def annotate(
        self,
        video: Video | Sequence[Tensor],
        masks: Tensor,
        ref_frame: int = 0,
        *,
        fit: Tensor | None = None,
        tell: bool = True,
    ) -> AnnotatedVideo:
        """The video at the size at which the network works, on the masks' device, with its masks.

        Args:
            video: the video, or a sequence of frames (C, H, W) in [0, 1].
            masks: masks (K, H, W) of the reference frame.
            ref_frame: index of the reference frame.
            fit: masks (..., H, W) of all annotated frames, which the size must suit; those of the reference when None.
            tell: log that objects are small.
        """
        frames = WorkingFrames(video, self.size, device=masks.device, crop=self.crop)
        frames.check_annotated(ref_frame, "ref_frame")
        frames.fit(masks if fit is None else fit, tell=tell)
        return AnnotatedVideo(frames, frames.resize_masks(masks), ref_frame)


@torch.no_grad()
def _restored(predictions: Predictions, frames: WorkingFrames, ref_frame: int) -> Predictions:
    """Predictions (1, K, h, w) in the order of time, at the video's size: those before the reference wait for it."""
    store, before = MaskStore(), list[tuple[int, StoredMasks]]()
    for index, prob in predictions:
        if index < ref_frame:
            before.append((index, store.write(prob[0])))
            continue
        while before:
            earlier, masks = before.pop()
            yield earlier, frames.restore(store.read(masks).unsqueeze(0))[0]
        yield index, frames.restore(in_steps(prob))[0]
