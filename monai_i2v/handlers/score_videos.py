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
FALSE_POSITIVES = ("false_positive_px", "false_positive_share")


@dataclass(frozen=True)
class FrameScore:
    """Scores of one object in one frame."""

    video: str
    frame: int
    object: int
    dice: float
    j: float  # IoU
    f: float  # agreement of the outlines
    shown: bool = True  # the truth shows the object here
    false_positive_px: int = 0  # area that is called object although the truth shows none of it
    false_positive_share: float = 0.0  # of the frame


def mean_scores(scores: Sequence[FrameScore]) -> dict[str, float | None]:
    """Mean Dice, J and F, of frames, then of objects, then of videos.

    All frames with truth count, by the convention of DAVIS: where the truth does not show an object, its scores are 1
    when nothing was found, and 0 else. ``"dice_where_shown"`` leaves such frames out. ``"false_positive_px"`` and
    ``"false_positive_share"`` are means over these frames alone. What no frame tells of is None.

    Example::

        >>> from monai_i2v.handlers import FrameScore, mean_scores
        >>> gone = FrameScore("cine", 2, 1, 0.0, 0.0, 0.0, shown=False, false_positive_px=80, false_positive_share=0.1)
        >>> means = mean_scores([FrameScore("cine", 1, 1, 1.0, 1.0, 1.0), gone])
        >>> means["dice"], means["dice_where_shown"], means["false_positive_px"]
        (0.5, 1.0, 80.0)
    """
    shown, empty = ([score for score in scores if score.shown is kind] for kind in (True, False))
    return {
        **{name: _mean(scores, name) for name in MEASURES},
        **{f"{name}_where_shown": _mean(shown, name) for name in MEASURES},
        **{name: _mean(empty, name) for name in FALSE_POSITIVES},
    }


def _mean(scores: Sequence[FrameScore], name: str) -> float | None:
    by_object: dict[str, dict[int, list[float]]] = {}
    for score in scores:
        by_object.setdefault(score.video, {}).setdefault(score.object, []).append(getattr(score, name))
    return fmean(fmean(map(fmean, objects.values())) for objects in by_object.values()) if by_object else None


class ScoreVideos:
    """Compare the masks of a `VideoEvaluator` with the truth; write ``scores.csv`` and ``scores.json``.

    Each case needs its ``truth`` (see `VideoCase`). Annotated frames do not count, nor do frames that nobody drew;
    objects count that an annotated frame shows. ``scores.csv`` has a line per frame and object, also where the truth
    does not show it: with ``shown`` False, and the area that is called object there, in px and as a share of the
    frame. ``scores.json`` has the means of each video and of all, see `mean_scores`; both are complete after each
    video. Of several processes, the first writes them, the scores of the others at the end.

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
            overlap, j, f = (measure(found, real).item() for measure in (dice, iou, boundary_f))
            shown = bool(real.any())
            area = 0 if shown else int(found.sum())
            self.current.append(
                FrameScore(
                    run.case.name,
                    frame.index,
                    label,
                    overlap,
                    j,
                    f,
                    shown=shown,
                    false_positive_px=area,
                    false_positive_share=area / real.numel(),
                )
            )

    def _complete(self, engine: Engine) -> None:
        run: VideoRun = engine.state.video_run
        if not self.current:
            logger.warning("%s: no frame but the reference has truth; it is not scored.", run.case.name)
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
        means = mean_scores(self.scores)
        told = ", ".join(f"{name} {means[name]:.3f}" for name in MEASURES)
        logger.info("mean of %d videos: %s (%s)", len(self.seconds), told, self.output_dir / "scores.json")
