# SPDX-License-Identifier: Apache-2.0
"""Which videos of a list are still to be done, after a run that was stopped?"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from monai_i2v.data import VideoCase
from monai_i2v.files.user_path import user_path
from monai_i2v.files.work_folder import FACTS
from monai_i2v.report import sha256_of

__all__ = ["unfinished"]

logger = logging.getLogger(__name__)


def unfinished(cases: Sequence[VideoCase], output_dir: str | Path, settings: Mapping[str, Any]) -> list[VideoCase]:
    """Leave out what `SaveVideoResults` completed with the same settings, from files with the same content.

    Videos that are adapted to together (scope ``"dataset"``) are done together, or not at all.

    Args:
        cases: the videos.
        output_dir: folder of all results.
        settings: as `SaveVideoResults` gets them.

    Example::

        >>> from monai_i2v.data import VideoCase
        >>> from monai_i2v.report import unfinished
        >>> [case.name for case in unfinished([VideoCase("a.mp4", "a.png", name="a")], "no_such_folder", {})]
        ['a']
    """
    wanted = json.loads(json.dumps(dict(settings), default=str))
    there = user_path(str(output_dir))
    bar = tqdm(cases, desc="looking for results", leave=False, disable=None)
    left = [case for case in bar if not _is_done(case, there, wanted)]
    if left and settings.get("scope") == "dataset":
        return list(cases)
    if len(left) < len(cases):
        logger.info("%d of %d videos are done already, with these settings.", len(cases) - len(left), len(cases))
    return left


def _is_done(case: VideoCase, output_dir: Path, settings: Mapping[str, Any]) -> bool:
    try:
        facts = json.loads((output_dir / case.name / FACTS).read_text(encoding="utf-8"))
        if (facts["settings"], facts["ref_frame"]) != (settings, case.ref_frames):
            return False
        used = {role: (file["name"], file["sha256"]) for role, file in facts["files"].items()}
        given = case.files
        return used.keys() == given.keys() and all(_is_same(path, *used[role]) for role, path in given.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _is_same(path: str, name: str | None, sha256: str | None) -> bool:
    """Whether a file has this name, where results keep names, and this content, unless it is gone."""
    return name in (None, Path(path).name) and sha256_of(path) in (None, sha256)
