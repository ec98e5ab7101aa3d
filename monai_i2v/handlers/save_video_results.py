# SPDX-License-Identifier: Apache-2.0
"""Everything a person gets for a video, in one folder that appears when it is complete."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine

from monai_i2v.data import open_mask_writer
from monai_i2v.data.user_path import user_path
from monai_i2v.engines import SegmentedFrame, VideoEvents, VideoRun
from monai_i2v.handlers.work_folder import FACTS, WorkFolder
from monai_i2v.networks import sureness
from monai_i2v.report import (
    REFERENCE_NOTE,
    ContactSheet,
    HtmlReport,
    Measurements,
    OverlayMovie,
    plot_areas,
    write_run_facts,
)

__all__ = ["SaveVideoResults"]

# Objects whose mask is less sure than this make a frame doubtful, see `sureness`.
DOUBTFUL_BELOW = 0.5


class SaveVideoResults:
    """Write ``<output_dir>/<name>/``: masks, ``overlay.mp4``, ``contact_sheet.png``, ``areas.png``,
    ``measurements.csv``, ``report.html`` and ``run.json``.

    All is written into a hidden folder beside it, which gets its name when it is complete: a failure never costs the
    results of an earlier run, nor leaves half of new ones. Only a folder with a ``run.json`` is replaced: any other of
    that name, which may be the video itself, stops the run at its start.

    Args:
        output_dir: folder of all results; it is made.
        settings: how the videos were segmented, for ``run.json``.
    """

    def __init__(self, output_dir: str | Path, settings: Mapping[str, Any] | None = None) -> None:
        self.output_dir, self.settings = user_path(str(output_dir)), dict(settings or {})
        self.results: _Results | None = None

    def attach(self, engine: Engine) -> None:
        """Register with a `VideoEvaluator`."""
        engine.add_event_handler(VideoEvents.VIDEO_STARTED, self._start)
        engine.add_event_handler(VideoEvents.FRAME_COMPLETED, self._add)
        engine.add_event_handler(VideoEvents.VIDEO_COMPLETED, self._complete)
        engine.add_event_handler(VideoEvents.VIDEO_FAILED, self._discard)

    def _start(self, engine: Engine) -> None:
        run: VideoRun = engine.state.video_run
        work = WorkFolder(self.output_dir, run.case.name)
        try:
            self.results = _Results(work, run)
        except BaseException:
            work.discard()
            raise

    def _add(self, engine: Engine) -> None:
        assert self.results is not None
        self.results.add(engine.state.output)

    def _complete(self) -> None:
        assert self.results is not None
        results, self.results = self.results, None
        try:
            results.close(self.settings)
        except BaseException:
            results.work.discard()
            raise
        results.work.complete()

    def _discard(self) -> None:
        if self.results is not None:
            results, self.results = self.results, None
            try:
                results.abandon()
            finally:
                results.work.discard()


class _Results:
    """The open files of one video."""

    def __init__(self, work: WorkFolder, run: VideoRun) -> None:
        self.work, self.folder, self.run = work, work.new, run
        info, labels = run.video.info, run.labels
        self.files = contextlib.ExitStack()
        self.masks = self.files.enter_context(open_mask_writer(self.folder, run.video, labels))
        self.movie = self.files.enter_context(OverlayMovie(self.folder / "overlay.mp4", info, labels=labels))
        self.sheet = ContactSheet(info, reference=run.case.ref_frame)
        self.report = HtmlReport(info, reference=run.case.ref_frame)
        self.measurements = Measurements(labels, info)
        self.unreadable: dict[int, str] = {}

    def add(self, frame: SegmentedFrame) -> None:
        confidence, note = self._judge(frame)
        picture = (frame.frame * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        self.masks.write(frame.index, frame.label_map)
        painted = self.movie.write(picture, frame.label_map)
        self.sheet.add(frame.index, painted, note)
        self.report.add(frame.index, picture, frame.label_map)
        self.measurements.add(frame.index, frame.label_map, confidence, note)
        if frame.error:
            self.unreadable[frame.index] = frame.error

    def _judge(self, frame: SegmentedFrame) -> tuple[list[float], str]:
        """Confidence per object, and what is to be said of the frame."""
        if frame.index == self.run.case.ref_frame:
            return [1.0] * len(self.run.labels), REFERENCE_NOTE
        confidence = sureness(frame.prob.unsqueeze(0))[0].tolist()
        if frame.error:
            return confidence, f"unreadable: {frame.error}"
        unsure = [label for label, sure in zip(self.run.labels, confidence, strict=True) if 0 < sure < DOUBTFUL_BELOW]
        return confidence, f"doubtful: object {', '.join(map(str, unsure))}" if unsure else ""

    def close(self, settings: Mapping[str, Any]) -> None:
        self.files.close()
        self.sheet.save(self.folder / "contact_sheet.png")
        self.measurements.save(self.folder / "measurements.csv")
        plot_areas(self.measurements, self.folder / "areas.png")
        run = self.run
        facts = {
            "ref_frame": run.case.ref_frame,
            "labels": run.labels,
            "settings": dict(settings),
            "seconds": run.seconds,
            "unreadable_frames": self.unreadable,
        }
        self.report.save(
            self.folder / "report.html",
            self.measurements,
            areas=self.folder / "areas.png",
            sheet=self.folder / "contact_sheet.png",
            facts=facts,
        )
        write_run_facts(
            self.folder / FACTS,
            run.video.info,
            {**facts, "adaptation": run.adaptation_log},
            files={"video": run.case.video, "ref_mask": run.case.ref_mask},
        )

    def abandon(self) -> None:
        """Close the files as after an error; nothing of them is kept."""
        with contextlib.suppress(_Abandoned), self.files:
            raise _Abandoned


class _Abandoned(Exception):  # noqa: N818 - it is a signal to the open files, not an error
    """Tells open files that their content is not wanted."""
