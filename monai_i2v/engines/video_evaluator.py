# SPDX-License-Identifier: Apache-2.0
"""The engine that segments videos: opens each, adapts to it, propagates its masks, and tells handlers frame by frame.

Axes: `K` objects, `C` image channels, `H W` pixels.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Literal, Protocol, runtime_checkable

import ignite.distributed as idist
import numpy as np
import torch
from ignite.engine import Engine, EventEnum
from monai.engines import Evaluator
from torch import Tensor, nn

from monai_i2v.adaptation import Adapted
from monai_i2v.compute import Download, ahead, clock
from monai_i2v.compute.processes import share_cases
from monai_i2v.data import VideoCase
from monai_i2v.engines.video_run import VideoRun
from monai_i2v.errors import UsageError
from monai_i2v.inferers import FrameResult, PropagationInferer
from monai_i2v.masks import read_mask
from monai_i2v.media import Video
from monai_i2v.tracking import AnnotatedVideo
from monai_i2v.transforms import labels_to_masks
from monai_i2v.transforms.label_masks import occurring_labels

__all__ = [
    "SlidingAdaptation",
    "StreamAdaptation",
    "VideoAdaptation",
    "VideoEvaluator",
    "VideoEvents",
]

logger = logging.getLogger(__name__)

MAX_WARNINGS = 3  # per video, of unreadable frames


class VideoEvents(EventEnum):
    """What happens to a video, for handlers."""

    VIDEO_STARTED = "video_started"
    VIDEO_ADAPTED = "video_adapted"
    FRAME_COMPLETED = "frame_completed"
    VIDEO_COMPLETED = "video_completed"
    VIDEO_FAILED = "video_failed"
    ALL_COMPLETED = "all_completed"  # in every process, when all processes are done


class VideoAdaptation(Protocol):
    """What the engine needs of a test-time adaptation."""

    def adapt(self, network: Any, videos: AnnotatedVideo | Sequence[AnnotatedVideo]) -> Adapted:
        """An adapted copy and its log."""
        ...


@runtime_checkable
class SlidingAdaptation(VideoAdaptation, Protocol):
    """An adaptation that can also go along with the segmentation; `TestTimeTrainer` has it."""

    def adapt_sliding(self, network: Any, video: AnnotatedVideo) -> Iterator[tuple[int, Tensor]]:
        """Predictions while adapting."""
        ...


@runtime_checkable
class StreamAdaptation(VideoAdaptation, Protocol):
    """An adaptation that needs no frame before its time; `TestTimeTrainer` has it."""

    def adapt_stream(self, network: Any, video: AnnotatedVideo) -> Iterator[tuple[int, Tensor]]:
        """Predictions while adapting."""
        ...


# Scopes that adapt while they segment, what they need, and what they call.
ALONG: dict[str, tuple[Any, Callable[..., Callable[..., Iterator[tuple[int, Tensor]]]]]] = {
    "sliding": (SlidingAdaptation, attrgetter("adapt_sliding")),
    "stream": (StreamAdaptation, attrgetter("adapt_stream")),
}


class VideoEvaluator(Evaluator):
    """Segment videos, one per iteration.

    A video that cannot be read is reported and the others go on; at the end the run fails with its sentence. A video
    with several annotated frames is segmented from all of them (see `VideoSession`); networks adapt to the first.

    Several processes (see `join_processes`) share the videos, and wait for each other at the end: the first of them
    then fails for all.

    Args:
        device: device, or its name; ``"auto"`` takes CUDA where there is one.
        cases: the videos.
        network: any `VideoSegmenter`; it is moved to the device and otherwise stays as it is.
        inferer: propagates the masks.
        adaptation: adapts a copy of the network, None for none.
        scope: adapt to each video (``"video"``), to all videos together (``"dataset"``; transductive), or along each
            video while it is segmented, by windows (``"sliding"``) or frame by frame (``"stream"``).
        handlers: handlers of `VideoEvents`.
    """

    def __init__(
        self,
        device: torch.device | str,
        cases: Sequence[VideoCase],
        network: nn.Module,
        *,
        inferer: PropagationInferer,
        adaptation: VideoAdaptation | None = None,
        scope: Literal["video", "dataset", "sliding", "stream"] = "video",
        handlers: Sequence[Any] | None = None,
    ) -> None:
        if scope not in ("video", "dataset", *ALONG):
            raise UsageError(f"scope is {scope!r}, expected 'video', 'dataset', 'sliding' or 'stream'; use 'video'.")
        if scope in ALONG and adaptation is not None and not isinstance(adaptation, ALONG[scope][0]):
            raise UsageError(f"scope is {scope!r}, but this method cannot do so; use 'video' or 'dataset'.")
        if scope in ALONG and adaptation is not None and inferer.absence:
            raise UsageError(
                f"absence is true, but scope is {scope!r}, in which the network changes while it looks; leave absence "
                "out, or use the scope 'video'."
            )
        if scope == "dataset" and adaptation is not None and idist.get_world_size() > 1:
            raise UsageError(
                f"scope is 'dataset', which adapts to all videos together, but {idist.get_world_size()} processes "
                "share them, expected one; start it without torchrun, or use 'video'."
            )
        self.network: Any = network.to(device).eval()
        self.inferer, self.adaptation, self.scope = inferer, adaptation, scope
        self.cases = cases
        self.failures: list[str] = []
        self.adapted_to_all: Adapted | None = None
        super().__init__(
            torch.device(device),
            cases,
            mode="eval",
            val_handlers=handlers,
            event_names=[VideoEvents],
            decollate=False,
        )

    def run(self, global_epoch: int = 1) -> None:
        """Segment all videos; several processes share them here.

        Raises:
            UsageError: When a video failed, after the others are done.
        """
        self.failures, self.adapted_to_all = [], None
        cases = self.data_loader = share_cases(self.cases)
        self.state.epoch_length = len(cases)
        if cases:
            if self.adaptation is not None and self.scope == "dataset":
                self.adapted_to_all = self._adapt_to_all(cases)
            super().run(global_epoch)
        self._finish(len(cases))

    def _finish(self, count: int) -> None:
        """Wait for the other processes; tell what failed in any of them."""
        parts: Any = idist.all_gather((count, self.failures))
        self.fire_event(VideoEvents.ALL_COMPLETED)
        count, failures = sum(part[0] for part in parts), [failure for part in parts for failure in part[1]]
        if failures and idist.get_rank() == 0:
            others = "" if count == 1 else f" ({len(failures)} of {count} videos failed)"
            raise UsageError(failures[0] + others)

    def _iteration(self, engine: Engine, batchdata: VideoCase) -> VideoRun | None:
        try:
            with batchdata.open() as video:
                return self._segment(self._open(batchdata, video))
        except UsageError as error:
            logger.error("%s: %s", batchdata.name, error)
            self.failures.append(str(error))
            return None

    def _open(self, case: VideoCase, video: Video) -> VideoRun:
        if case.further and self.scope in ALONG and self.adaptation is not None:
            raise UsageError(
                f"scope is {self.scope!r}, which takes one annotated frame, but {case.name} has "
                f"{1 + len(case.further)}; use 'video'."
            )
        label_maps = {frame: read_mask(path, video.info, frame) for frame, path in case.annotated.items()}
        labels = occurring_labels(torch.from_numpy(np.stack(list(label_maps.values()))))
        return VideoRun(case, video, label_maps, labels)

    def _segment(self, run: VideoRun) -> VideoRun:
        self.state.video_run = run
        try:
            self.fire_event(VideoEvents.VIDEO_STARTED)
            begin = clock(self.state.device)
            results = self._results(run)
            run.seconds["adaptation"] = clock(self.state.device) - begin
            self.fire_event(VideoEvents.VIDEO_ADAPTED)
            begin = clock(self.state.device)
            # A thread computes masks while handlers write the ones before; it ends before the video is closed.
            with torch.no_grad(), contextlib.closing(ahead(self._sent(results, run))) as ready:
                for result, download in ready:
                    if result.error:
                        self._warn(run, result.error)
                    self.state.output = run.label(result, download)
                    self.fire_event(VideoEvents.FRAME_COMPLETED)
            run.seconds["propagation"] = clock(self.state.device) - begin
            if run.unreadable > MAX_WARNINGS:
                logger.warning("%s: %d frames cannot be read.", run.case.name, run.unreadable)
            self.fire_event(VideoEvents.VIDEO_COMPLETED)
        except BaseException:
            self.fire_event(VideoEvents.VIDEO_FAILED)
            raise
        return run

    def _warn(self, run: VideoRun, error: str) -> None:
        run.unreadable += 1
        if run.unreadable <= MAX_WARNINGS:
            logger.warning("%s: %s Its masks are those of a neighboring frame.", run.case.name, error)

    def _results(self, run: VideoRun) -> Iterator[FrameResult]:
        frames = list(run.label_maps)
        masks = torch.stack([self._masks(run, frame, run.labels) for frame in frames])
        if self.scope in ALONG and self.adaptation is not None:
            along = ALONG[self.scope][1](self.adaptation)
            return self.inferer.stream(run.video, self.network, masks, frames, predict=along)
        adapted = self.adapted_to_all
        if self.adaptation is not None and adapted is None:
            adapted = self.adaptation.adapt(self.network, self._annotate(run))
        run.adaptation_log = [] if adapted is None else adapted.log
        network: Any = self.network if adapted is None else adapted.network
        return self.inferer.stream(run.video, network, masks, frames, tell=self.adaptation is None)

    def _adapt_to_all(self, cases: Sequence[VideoCase]) -> Adapted | None:
        """Adapt to the videos that can be opened; the others are reported when their turn comes."""
        assert self.adaptation is not None
        with contextlib.ExitStack() as files:
            videos = []
            for case in cases:
                with contextlib.suppress(UsageError):
                    run = self._open(case, files.enter_context(case.open()))
                    videos.append(self._annotate(run))
            return self.adaptation.adapt(self.network, videos) if videos else None

    def _annotate(self, run: VideoRun) -> AnnotatedVideo:
        """What a network adapts to: the objects in the reference frame."""
        frame = run.case.ref_frame
        labels = occurring_labels(torch.from_numpy(run.label_maps[frame].astype(np.int64)))
        every = torch.stack([self._masks(run, other, run.labels) for other in run.label_maps])
        return self.inferer.annotate(run.video, self._masks(run, frame, labels), frame, fit=every)

    def _masks(self, run: VideoRun, frame: int, labels: Sequence[int]) -> Tensor:
        """Masks (K, H, W) of some objects in an annotated frame."""
        label_map = torch.from_numpy(run.label_maps[frame].astype(np.int64))
        return labels_to_masks(label_map, labels).to(self.state.device)

    def _sent(self, results: Iterator[FrameResult], run: VideoRun) -> Iterator[tuple[FrameResult, Download | None]]:
        """Results on the way from a GPU, behind whose next frame they would wait otherwise; a CPU is left to others."""
        with contextlib.closing(results):  # type: ignore[type-var]
            for result in results:
                yield result, None if result.prob.device.type == "cpu" else run.send(result)
