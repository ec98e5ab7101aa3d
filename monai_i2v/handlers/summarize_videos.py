# SPDX-License-Identifier: Apache-2.0
"""A line per video and object, for a spreadsheet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ignite.engine import Engine

from monai_i2v.engines import VideoEvaluator, VideoEvents
from monai_i2v.files.complete_file import complete_file
from monai_i2v.files.user_path import user_path
from monai_i2v.files.work_folder import FACTS
from monai_i2v.report import ObjectSummary
from monai_i2v.report.measurements import DECIMALS

__all__ = ["SummarizeVideos"]


class SummarizeVideos:
    """Keep ``summary.csv`` in the folder of all results: per video there and object, the fields of `ObjectSummary`.

    It is made from every ``run.json`` there whenever a video is complete, and at the end of a good run, so it also has
    what earlier runs and other processes did. Attach it after `SaveVideoResults`.

    Args:
        output_dir: folder of all results.
    """

    def __init__(self, output_dir: str | Path) -> None:
        self.output_dir = user_path(str(output_dir))

    def attach(self, engine: Engine) -> None:
        """Register with a `VideoEvaluator`."""
        engine.add_event_handler(VideoEvents.VIDEO_COMPLETED, self._save)
        engine.add_event_handler(VideoEvents.ALL_COMPLETED, self._complete)

    def _complete(self, engine: VideoEvaluator) -> None:
        if not engine.failures:  # a run that failed leaves all as it was
            self._save()

    def _save(self) -> None:
        written: list[list[Any]] = []
        # Another process may complete a video meanwhile; the one that writes last has seen all of them.
        while (rows := list(self._rows())) != written:
            with (
                complete_file(self.output_dir / "summary.csv") as partial,
                partial.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
            ):
                csv.writer(file).writerows([["video", *ObjectSummary._fields], *rows])
            written = rows

    def _rows(self) -> Iterator[list[Any]]:
        for path in sorted(self.output_dir.glob(f"[!.]*/{FACTS}")):  # hidden ones are not complete
            try:
                objects = json.loads(path.read_text(encoding="utf-8"))["objects"]
                found = [ObjectSummary(**one) for one in objects]
            except (OSError, ValueError, KeyError, TypeError):
                continue  # another version's, or no result at all
            for one in found:
                yield [path.parent.name, *(round(v, DECIMALS) if isinstance(v, float) else v for v in one)]
