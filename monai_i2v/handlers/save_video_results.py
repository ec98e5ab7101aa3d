# SPDX-License-Identifier: Apache-2.0
"""Everything a person gets for a video, in one folder that appears when it is complete."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ignite.engine import Engine

from monai_i2v.engines import SegmentedFrame, VideoEvents, VideoRun
from monai_i2v.files.user_path import user_path
from monai_i2v.files.work_folder import FACTS, WorkFolder
from monai_i2v.masks import open_mask_writer
from monai_i2v.options import read_switch
from monai_i2v.report import (
    REFERENCE_NOTE,
    ContactSheet,
    HtmlReport,
    Measurements,
    OverlayMovie,
    describe_files,
    named_chambers,
    plot_areas,
    plot_volumes,
    summarize,
    write_run_facts,
)

__all__ = ["SaveVideoResults"]

# Objects whose mask is less sure than this make a frame doubtful, see `mask_confidence`.
DOUBTFUL_BELOW = 0.5


class SaveVideoResults:
    """Write ``<output_dir>/<name>/``: masks, ``overlay.mp4``, ``contact_sheet.png``, ``areas.png``,
    ``measurements.csv``, ``report.html``, ``run.json``, and of chambers ``volumes.png``.

    All is written into a hidden folder beside it, which gets its name when it is complete: a failure never costs the
    results of an earlier run, nor leaves half of new ones. Only a folder with a ``run.json`` is replaced: any other of
    that name, which may be the video itself, stops the run at its start.

    Args:
        output_dir: folder of all results; it is made.
        settings: how the videos were segmented, for ``run.json``.
        chamber: label value of a chamber whose volume is measured too, or several; see `simpson_volume`. A video whose
            mask does not have it stops at its start.
        anonymize: keep out of the results what DICOM says about the patient (else ``masks.dcm`` repeats it), and the
            names of the video's and the mask's files. Left are their SHA-256, the UIDs that tie ``masks.dcm`` to its
            recording, the name of the folder of the results, and what is to be seen in the pictures.

    Raises:
        UsageError: When `anonymize` is no truth value.
    """

    def __init__(
        self,
        output_dir: str | Path,
        settings: Mapping[str, Any] | None = None,
        *,
        chamber: int | Sequence[int] | None = None,
        anonymize: bool | str = False,
    ) -> None:
        self.output_dir, self.settings = user_path(str(output_dir)), dict(settings or {})
        self.chamber, self.anonymize = chamber, read_switch("anonymize", anonymize)
        self.results: _Results | None = None

    def attach(self, engine: Engine) -> None:
        """Register with a `VideoEvaluator`."""
        engine.add_event_handler(VideoEvents.VIDEO_STARTED, self._start)
        engine.add_event_handler(VideoEvents.FRAME_COMPLETED, self._add)
        engine.add_event_handler(VideoEvents.VIDEO_COMPLETED, self._complete)
        engine.add_event_handler(VideoEvents.VIDEO_FAILED, self._discard)

    def _start(self, engine: Engine) -> None:
        run: VideoRun = engine.state.video_run
        chambers = named_chambers(self.chamber, run.labels)
        work = WorkFolder(self.output_dir, run.case.name)
        try:
            self.results = _Results(work, run, chambers, anonymize=self.anonymize)
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

    def __init__(self, work: WorkFolder, run: VideoRun, chambers: Sequence[int], *, anonymize: bool) -> None:
        self.work, self.folder, self.run, self.anonymize = work, work.new, run, anonymize
        folder, labels = self.folder, run.labels
        self.info = info = replace(run.video.info, path="video") if anonymize else run.video.info
        self.used = describe_files(run.case.files, anonymize=anonymize)  # as they are now: they may change meanwhile
        with contextlib.ExitStack() as files:
            self.masks = files.enter_context(open_mask_writer(folder, run.video, labels, anonymize=anonymize))
            self.movie = files.enter_context(OverlayMovie(folder / "overlay.mp4", info, labels=labels))
            self.files = files.pop_all()
        self.sheet = ContactSheet(info, references=tuple(run.case.annotated))
        self.report = HtmlReport(info, references=tuple(run.case.annotated))
        self.measurements = Measurements(labels, info, chambers)
        self.unreadable: dict[int, str] = {}

    def add(self, frame: SegmentedFrame) -> None:
        if frame.error and self.anonymize:  # it names the file
            frame = replace(frame, error=f"frame {frame.index} cannot be decoded.")
        note = self._note(frame)
        picture = (frame.frame * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        self.masks.write(frame.index, frame.label_map)
        painted = self.movie.write(picture, frame.label_map)
        self.sheet.add(frame.index, painted, note)
        self.report.add(frame.index, picture, frame.label_map)
        self.measurements.add(frame.index, frame.label_map, list(frame.confidence), note)
        if frame.error:
            self.unreadable[frame.index] = frame.error

    def _note(self, frame: SegmentedFrame) -> str:
        """What is to be said of the frame."""
        if frame.index in self.run.label_maps:
            return REFERENCE_NOTE
        if frame.error:
            return f"unreadable: {frame.error}"
        both = zip(self.run.labels, frame.confidence, strict=True)
        unsure = [label for label, sure in both if 0 < sure < DOUBTFUL_BELOW]
        return f"doubtful: object {', '.join(map(str, unsure))}" if unsure else ""

    def close(self, settings: Mapping[str, Any]) -> None:
        self.files.close()
        self.sheet.save(self.folder / "contact_sheet.png")
        self.measurements.save(self.folder / "measurements.csv")
        plot_areas(self.measurements, self.folder / "areas.png")
        volumes = self.folder / "volumes.png" if self.measurements.chambers else None
        if volumes is not None:
            plot_volumes(self.measurements, volumes)
        run = self.run
        facts = {
            "ref_frame": run.case.ref_frames,
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
            volumes=volumes,
        )
        objects = [summary._asdict() for summary in summarize(self.measurements)]
        write_run_facts(
            self.folder / FACTS,
            self.info,
            {"files": self.used, **facts, "adaptation": run.adaptation_log, "objects": objects},
        )

    def abandon(self) -> None:
        """Close the files as after an error; nothing of them is kept."""
        with contextlib.suppress(_Abandoned), self.files:
            raise _Abandoned


class _Abandoned(Exception):  # noqa: N818 - it is a signal to the open files, not an error
    """Tells open files that their content is not wanted."""
