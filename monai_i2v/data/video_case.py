# SPDX-License-Identifier: Apache-2.0
"""Which videos to segment: one named on the command line, or a list in a JSON file."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_i2v.errors import UsageError

__all__ = ["VideoCase", "list_cases"]

EXPECTED_DATALIST = '{"videos": [{"video": "a.mp4", "ref_mask": "a.png", "ref_frame": 0}]}'
KEY_TYPES = {"video": str, "ref_mask": str, "ref_frame": int, "name": str, "truth": str}
PLAIN_NAME = re.compile(r"[^./\\\0][^/\\\0]*")
# Suffixes of media that hide another one.
DOUBLE_SUFFIXES = (".nii.gz",)


@dataclass(frozen=True)
class VideoCase:
    """One video to segment, not yet opened.

    Args:
        video: file, folder or glob.
        ref_mask: file with the mask of the reference frame.
        ref_frame: index of the reference frame.
        name: name of the folder that gets the results.
        truth: file or folder with the true masks, where they are known; see `Truth`.
    """

    video: str
    ref_mask: str
    ref_frame: int = 0
    name: str = "video"
    truth: str | None = None


def list_cases(
    video: str | None = None,
    ref_mask: str | None = None,
    ref_frame: int = 0,
    datalist: str | None = None,
) -> list[VideoCase]:
    """The videos to segment, from what was given on the command line.

    Args:
        video: file, folder or glob of a single video.
        ref_mask: its mask.
        ref_frame: index of its reference frame.
        datalist: JSON file that lists several videos instead; its relative paths start at the file's folder.

    Raises:
        UsageError: When neither or both are given, ref_frame is no whole number, or the datalist is not as expected.
    """
    if datalist is not None:
        if video is not None or ref_mask is not None:
            extra = "ref_mask" if video is None else "video"
            raise UsageError(f"both {extra} and datalist are given, expected one of them; leave one out.")
        return _read_datalist(Path(str(datalist)))
    if video is None or ref_mask is None:
        missing = "video" if video is None else "ref_mask"
        raise UsageError(f"{missing} is missing, expected --video PATH with --ref_mask PATH, or --datalist FILE.json.")
    if type(ref_frame) is not int:
        raise UsageError(
            f"ref_frame is {ref_frame!r}, expected a whole number from 0; give the index of the frame that the mask "
            "belongs to."
        )
    return [VideoCase(str(video), str(ref_mask), ref_frame, _name(str(video)))]


def _read_datalist(path: Path) -> list[VideoCase]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"the datalist {path} cannot be read ({error.strerror}); give an existing JSON file."
        ) from error
    except ValueError as error:
        raise UsageError(f"the datalist {path} is not JSON ({error}); expected {EXPECTED_DATALIST}.") from error
    entries = content.get("videos") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"the datalist {path} lists no videos; expected {EXPECTED_DATALIST}.")
    cases = [_case(entry, number, path) for number, entry in enumerate(entries)]
    _check_names(cases, path)
    return cases


def _case(entry: Any, number: int, path: Path) -> VideoCase:
    valid = isinstance(entry, Mapping) and {"video", "ref_mask"} <= set(entry) <= set(KEY_TYPES)
    if not valid or any(type(value) is not KEY_TYPES[key] for key, value in entry.items()):
        raise UsageError(f"entry {number} of {path} is {entry!r}; expected the form {EXPECTED_DATALIST}.")
    places = {key: str(path.parent / entry[key]) for key in ("video", "ref_mask", "truth") if key in entry}
    return VideoCase(**{"name": _name(places["video"]), **entry, **places})


def _check_names(cases: Sequence[VideoCase], path: Path) -> None:
    name, count = Counter(case.name for case in cases).most_common(1)[0]
    if count > 1:
        raise UsageError(f'{count} videos of {path} are called {name!r}; give each its own "name".')
    for case in cases:
        if not PLAIN_NAME.fullmatch(case.name):
            raise UsageError(
                f"{case.name!r} in {path} is no plain folder name; expected one without path separators that does not "
                'start with a dot; give another "name".'
            )


def _name(video: str) -> str:
    path = Path(os.path.abspath(video))  # "." and ".." get their names; links keep theirs
    name = path.parent.name if "*" in path.name else path.name
    for suffix in DOUBLE_SUFFIXES:
        name = name.removesuffix(suffix)
    return Path(name).stem.lstrip(".") or "video"
