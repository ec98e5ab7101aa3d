# SPDX-License-Identifier: Apache-2.0
"""Which videos of a list are still to be done, after a run that was stopped?"""

from __future__ import annotations

import glob
import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_i2v.data import VideoCase
from monai_i2v.data.user_path import user_path
from monai_i2v.handlers.save_video_results import ref_frames
from monai_i2v.handlers.work_folder import FACTS
from monai_i2v.report import sha256_of

__all__ = ["unfinished"]

logger = logging.getLogger(__name__)


def unfinished(cases: Sequence[VideoCase], output_dir: str | Path, settings: Mapping[str, Any]) -> list[VideoCase]:
    """Leave out what `SaveVideoResults` completed with the same settings, from files that have not changed since.

    Videos that are adapted to together (scope ``"dataset"``) are done together, or not at all.

    Args:
        cases: the videos.
        output_dir: folder of all results.
        settings: as `SaveVideoResults` gets them.

    Example::

        >>> from monai_i2v.data import VideoCase
        >>> from monai_i2v.handlers import unfinished
        >>> [case.name for case in unfinished([VideoCase("a.mp4", "a.png", name="a")], "no_such_folder", {})]
        ['a']
    """
    wanted = json.loads(json.dumps(dict(settings), default=str))
    left = [case for case in cases if not _is_done(case, user_path(str(output_dir)), wanted)]
    if left and settings.get("scope") == "dataset":
        return list(cases)
    if len(left) < len(cases):
        logger.info("%d of %d videos are done already, with these settings.", len(cases) - len(left), len(cases))
    return left


def _is_done(case: VideoCase, output_dir: Path, settings: Mapping[str, Any]) -> bool:
    facts_file = output_dir / case.name / FACTS
    try:
        facts, made = json.loads(facts_file.read_text(encoding="utf-8")), facts_file.stat().st_mtime
        same = (facts["settings"], facts["ref_frame"]) == (settings, ref_frames(case))
        done = {role: file["name"] or file["sha256"] for role, file in facts["files"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    given = case.files
    if not same or done.keys() != given.keys() or not all(_is_same(given[role], done[role]) for role in given):
        return False
    return all(_changed(file) <= made for path in given.values() for file in _files(path))


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # a link that leads nowhere
        return file.lstat().st_mtime


def _is_same(path: str, done: str | None) -> bool:
    """Whether a file has this name, or, where results keep names out, this SHA-256; folders have None."""
    return done == Path(path).name or done == sha256_of(path)


def _files(path: str) -> Iterable[Path]:
    """The file, the folder with all in it, or what the pattern finds."""
    here = user_path(path)
    if not os.path.exists(here):
        return map(Path, glob.glob(str(here)))
    return [here, *here.rglob("*")] if here.is_dir() else [here]
