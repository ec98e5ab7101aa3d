# SPDX-License-Identifier: Apache-2.0
"""How good are the masks of videos whose truth is known?"""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import Any

import ignite.distributed as idist
import numpy as np
import torch
from ignite.engine import Engine, Events

from monai_i2v.engines import SegmentedFrame, VideoEvents, VideoRun
from monai_i2v.errors import UsageError
from monai_i2v.files.complete_file import complete_file
from monai_i2v.files.user_path import user_path
from monai_i2v.masks.truth import Truth
from monai_i2v.metrics import boundary_f, dice, iou

__all__ = ["FrameScore", "ScoreVideos", "mean_scores"]

logger = logging.getLogger(__name__)

MEASURES = ("dice", "j", "f")


@dataclass(frozen=True)
class FrameScore:
    """Scores of one object in one frame that shows it."""

    video: str
    frame: int
    object: int
    dice: float
    j: float  # IoU
    f: float  # agreement of the outlines


def mean_scores(scores: Sequence[FrameScore]) -> dict[str, float]:
    """Mean Dice, J and F of frames, then of objects, then of videos."""
    by_object: dict[str, dict[int, list[FrameScore]]] = {}
    for score in scores:
        by_object.setdefault(score.video, {}).setdefault(score.object, []).append(score)
    return {
        name: fmean(
            fmean(fmean(getattr(score, name) for score in frames) for frames in objects.values())
            for objects in by_object.values()
        )
        for name in MEASURES
    }


class ScoreVideos:
    """Compare the masks of a `VideoEvaluator` with the truth; write ``scores.csv`` and ``scores.json``.

    Each case needs its ``truth`` (see `VideoCase`). Annotated frames do not count, nor do frames without truth of
    an object; objects count that an annotated frame shows. ``scores.csv`` has a line per frame and object,
    ``scores.json`` the means of each video and of all; both are complete after each video. Of several processes, the
    first writes them, the scores of the others at the end.

    Args:
        output_dir: folder of the two files; it is made.
    """

    def __init__(self, output_dir: str | Path) -> None:
        self.output_dir = user_path(str(output_dir))
        self.scores: list[FrameScore] = []
        self.current: list[FrameScore] = []
        self.seconds: dict[str, float] = {}
        self.truth: Truth | None = None

    def attach(self, engine: Engine) -> None:
        """Register with a `VideoEvaluator`."""
        engine.add_event_handler(Events.STARTED, self._forget)
        engine.add_event_handler(VideoEvents.VIDEO_STARTED, self._start)
        engine.add_event_handler(VideoEvents.FRAME_COMPLETED, self._add)
        engine.add_event_handler(VideoEvents.VIDEO_COMPLETED, self._complete)
        engine.add_event_handler(VideoEvents.ALL_COMPLETED, self._report)

    def _forget(self) -> None:
        self.scores.clear()
        self.seconds.clear()

    def _start(self, engine: Engine) -> None:
        run: VideoRun = engine.state.video_run
        if run.case.truth is None:
            raise UsageError(
                f'{run.case.name} has no truth to be scored with; give each video of the datalist a "truth": a file or '
                "folder of masks."
            )
        self.truth, self.current = Truth(run.case.truth, run.video), []

    def _add(self, engine: Engine) -> None:
        run: VideoRun = engine.state.video_run
        frame: SegmentedFrame = engine.state.output
        assert self.truth is not None
        truth = None if frame.index in run.label_maps else self.truth[frame.index]
        if truth is None:
            return
        for label in run.labels:
            real, found = (torch.from_numpy(labels == label) for labels in (truth, np.asarray(frame.label_map)))
            if real.any():
                values = (measure(found, real).item() for measure in (dice, iou, boundary_f))
                self.current.append(FrameScore(run.case.name, frame.index, label, *values))

    def _complete(self, engine: Engine) -> None:
        run: VideoRun = engine.state.video_run
        if not self.current:
            logger.warning("%s: no frame but the reference has truth of its objects; it is not scored.", run.case.name)
            return
        self.scores += self.current
        self.seconds[run.case.name] = sum(run.seconds.values())
        if idist.get_rank() == 0:
            self._save()

    def _save(self) -> None:
        with (
            complete_file(self.output_dir / "scores.csv") as partial,
            partial.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
        ):
            writer = csv.DictWriter(file, [field.name for field in fields(FrameScore)])
            writer.writeheader()
            writer.writerows(map(asdict, self.scores))
        with complete_file(self.output_dir / "scores.json") as partial:
            partial.write_text(json.dumps(self._summary(), indent=2))

    def _summary(self) -> dict[str, object]:
        videos = {
            name: {**mean_scores([score for score in self.scores if score.video == name]), "seconds": seconds}
            for name, seconds in self.seconds.items()
        }
        return {"mean": mean_scores(self.scores), "videos": videos}

    def _report(self) -> None:
        parts: Any = idist.all_gather((self.scores, self.seconds))
        if not any(scores for scores, _ in parts) or idist.get_rank() > 0:
            return
        if len(parts) > 1:
            self.scores = [score for scores, _ in parts for score in scores]
            self.seconds = {name: time for _, seconds in parts for name, time in seconds.items()}
            self._save()
        means = ", ".join(f"{name} {value:.3f}" for name, value in mean_scores(self.scores).items())
        logger.info("mean of %d videos: %s (%s)", len(self.seconds), means, self.output_dir / "scores.json")
