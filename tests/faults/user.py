# SPDX-License-Identifier: Apache-2.0
"""The whole way of a user, from files to results, and what must be true at its end whatever the files were."""

from __future__ import annotations

import logging
import os
import re
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from media import LENGTH, Copy, draw_mask, frames_of_a_session
from results import check_results, is_new

from monai_i2v.compute import select_device
from monai_i2v.data import VideoCase, list_cases, load_checkpoint
from monai_i2v.engines import VideoEvaluator
from monai_i2v.errors import UsageError
from monai_i2v.handlers import SaveVideoResults
from monai_i2v.inferers import PropagationInferer
from monai_i2v.session import VideoSession

WHERE = ("video", "ref_mask", "ref_frame", "datalist")
PRECIOUS = {"run.json": b"{}", "masks.nii.gz": b"precious"}  # results of an earlier run
MAX_LINES = 6  # of warnings and errors per video


class User:
    """Someone who has results of an earlier run, and gives us something.

    Args:
        folder: what is given lies here.
        given: the arguments.
    """

    def __init__(self, folder: Path, given: Mapping[str, Any]) -> None:
        self.folder = folder
        self.given = {"output_dir": folder / "out", "device": "cpu", "file_limit": None, **given}
        self.out = Path(self.given["output_dir"])
        self.cases: list[VideoCase] = []

    def walk(self) -> str:
        """Segment what is given; the outcome in words."""
        try:
            lay_earlier_results(self.out, ["other", "video", "listed"])
            before = snapshot(self.out)
            with limited_files(self.given["file_limit"]):
                done = self._load_session() if "session" in self.given else self._segment()
        except UsageError as error:
            assert_clear(str(error))
            if len(self.cases) < 2:
                assert snapshot(self.out) == before
            done = [f"refused: {self._shown(str(error))}"]
            others = [case for case in self.cases if is_new(self.out / case.name)]
            done += [f"{case.name}: {self._check(case)}" for case in others]
        self._check_neighbors()
        return "; ".join(done)

    def _segment(self) -> list[str]:
        given = self.given
        self.cases = list_cases(**{key: value for key, value in given.items() if key in WHERE})
        network = load_checkpoint(Copy(), given["checkpoint"]) if "checkpoint" in given else Copy()
        handlers = [SaveVideoResults(self.out)]
        inferer = PropagationInferer(None)
        VideoEvaluator(select_device(given["device"]), self.cases, network, inferer=inferer, handlers=handlers).run()
        return list(map(self._check, self.cases))

    def _check(self, case: VideoCase) -> str:
        return check_results(self.out, case, self.given.get("truth"))

    def _load_session(self) -> list[str]:
        session = VideoSession.load(self.given["session"], Copy(), frames_of_a_session(), size=None)
        for _ in session.propagate():
            pass
        session.save(self.folder / "again.session")
        masks = [session[index].label_map for index in range(LENGTH)]
        right = sum((mask == draw_mask()).all() for mask in masks)
        return [f"a session of {len(masks)} frames, {len(session.labels)} objects; {right} masks as drawn"]

    def _shown(self, sentence: str) -> str:
        """A sentence without what is another one in each run."""
        here = sentence.replace(f"{self.folder}/", "").replace(str(self.folder), "FOLDER")
        return re.sub(r"\.partial-[0-9a-f]{8}", ".partial-*", here)

    def _check_neighbors(self) -> None:
        """Nothing lies beside the results, and results of other videos are as they were."""
        names = {"other", "video", "listed", *(case.name for case in self.cases)}
        if os.path.isdir(self.out / "other"):
            assert {path.name for path in self.out.iterdir()} <= names
            assert {path.name: path.read_bytes() for path in (self.out / "other").iterdir()} == PRECIOUS


@contextmanager
def limited_files(size: int | None) -> Iterator[None]:
    """No file of this process can grow larger, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size or before[0], before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def lay_earlier_results(out: Path, names: list[str]) -> None:
    """Results of an earlier run, where there can be some."""
    if out.name != "out":
        return
    for name in names:
        (out / name).mkdir(parents=True)
        for file, content in PRECIOUS.items():
            (out / name / file).write_bytes(content)


def snapshot(folder: Path) -> dict[Path, bytes | None]:
    """All that is below a folder, and what the files hold."""
    if not os.path.isdir(folder) or folder.is_relative_to("/proc"):
        return {}
    return {path: path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def assert_clear(sentence: str) -> None:
    """One line that says what is wrong, then what was expected or what to do."""
    assert sentence.isprintable(), sentence
    assert sentence.endswith((".", "failed)")), sentence
    assert ";" in sentence or ", expected " in sentence, sentence
    assert len(sentence) < 1500, sentence


def check_log(records: list[logging.LogRecord], cases: int) -> None:
    """A failed video is an error, and no library speaks beside us."""
    loud = [record for record in records if record.levelno >= logging.WARNING]
    assert {record.name.split(".")[0] for record in loud} <= {"monai_i2v"}, loud
    assert len(loud) <= MAX_LINES * max(cases, 1), loud
