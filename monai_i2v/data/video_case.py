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
from monai_i2v.files.readable_file import check_readable
from monai_i2v.files.user_path import user_path
from monai_i2v.media.open_video import VIDEO_SUFFIXES, open_video
from monai_i2v.media.video import Video

__all__ = ["VideoCase", "list_cases"]

EXPECTED_DATALIST = '{"videos": [{"video": "a.mp4", "ref_mask": "a.png", "ref_frame": 0}]}'
KEY_TYPES: dict[str, list[type]] = {
    "video": [str],
    "ref_mask": [str, list],
    "ref_frame": [int, list],
    "name": [str],
    "truth": [str],
}
PLAIN_NAME = re.compile(r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,254}")
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class VideoCase:
    """One video to segment, not yet opened.

    Args:
        video: file, folder or glob.
        ref_mask: file with the mask of the reference frame; empty where a person has still to draw it.
        ref_frame: index of the reference frame.
        name: name of the folder that gets the results.
        truth: file or folder with the true masks, where they are known; see `Truth`.
        further: frames that are annotated too, and files with their masks.
    """

    video: str
    ref_mask: str
    ref_frame: int = 0
    name: str = "video"
    truth: str | None = None
    further: tuple[tuple[int, str], ...] = ()

    @property
    def annotated(self) -> dict[int, str]:
        """Files with masks by frame, the reference first."""
        return {self.ref_frame: self.ref_mask, **dict(self.further)} if self.ref_mask else {}

    @property
    def ref_frames(self) -> int | list[int]:
        """The annotated frame, or the list of them, as ``run.json`` has it."""
        return [*self.annotated] if self.further else self.ref_frame

    @property
    def files(self) -> dict[str, str]:
        """What it is read from, by its part."""
        further = {f"ref_mask_{frame}": path for frame, path in self.further}
        return {"video": self.video, "ref_mask": self.ref_mask, **further}

    def open(self) -> Video:
        """Open the video; masks that lie in a folder of frames are no frames.

        Raises:
            UsageError: When it cannot be opened.
        """
        masks = [*self.annotated.values(), *([self.truth] if self.truth else [])]
        return open_video(self.video, leave_out=masks)


def list_cases(
    video: str | None = None,
    ref_mask: str | Sequence[str] | None = None,
    ref_frame: int | Sequence[int] = 0,
    datalist: str | None = None,
    *,
    to_draw: bool = False,
) -> list[VideoCase]:
    """The videos to segment, from what was given on the command line.

    Args:
        video: file, folder or glob of a single video.
        ref_mask: its mask; of several annotated frames a list, or one file with a mask per frame.
        ref_frame: index of its reference frame, or a list of indices.
        datalist: JSON file that lists several videos instead; its relative paths start at the file's folder.
        to_draw: a person will draw masks, so there may be none yet.

    Raises:
        UsageError: When neither or both are given, ref_frame is no whole number, masks and frames are not as
            many, or the datalist is not as expected.
    """
    if datalist is not None:
        if video is not None or ref_mask is not None:
            extra = "ref_mask" if video is None else "video"
            raise UsageError(f"both {extra} and datalist are given, expected one of them; leave one out.")
        return _read_datalist(user_path(str(datalist)), {"video"} if to_draw else {"video", "ref_mask"})
    if to_draw and ref_mask is None:
        ref_mask = ""
    if video is None or ref_mask is None:
        missing = "video" if video is None else "ref_mask"
        raise UsageError(f"{missing} is missing, expected --video PATH with --ref_mask PATH, or --datalist FILE.json.")
    masks = [str(mask) for mask in ref_mask] if isinstance(ref_mask, list | tuple) else str(ref_mask)
    return [VideoCase(str(video), name=_name(str(video)), **_annotated(masks, ref_frame))]


def _annotated(masks: Any, frames: Any) -> dict[str, Any]:
    """What a `VideoCase` says of its annotated frames."""
    indices = list(frames) if isinstance(frames, list | tuple) else [frames]
    paths = [masks] * len(indices) if isinstance(masks, str) else masks
    if not indices or any(type(index) is not int for index in indices):
        raise UsageError(
            f"ref_frame is {frames!r}, expected a whole number from 0, or a list of some; give the index of the frame "
            "that the mask belongs to."
        )
    if len(paths) != len(indices) or len(set(indices)) < len(indices):
        raise UsageError(
            f"ref_mask names {len(paths)} files and ref_frame is {frames!r}, expected a file for each frame and each "
            "frame once; give as many of both, or one file with a mask per frame."
        )
    first, *further = zip(indices, paths, strict=True)
    return {"ref_frame": first[0], "ref_mask": first[1], "further": tuple(further)}


def _read_datalist(path: Path, needed: set[str]) -> list[VideoCase]:
    check_readable(path, "a list of videos")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"the datalist {path} is not JSON ({error}); expected {EXPECTED_DATALIST}.") from error
    entries = content.get("videos") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"the datalist {path} lists no videos; expected {EXPECTED_DATALIST}.")
    cases = [_case(entry, number, path, needed) for number, entry in enumerate(entries)]
    _check_names(cases, path)
    return cases


def _case(entry: Any, number: int, path: Path, needed: set[str]) -> VideoCase:
    valid = isinstance(entry, Mapping) and needed <= set(entry) <= set(KEY_TYPES)
    if not valid or not all(_is_sound(value, KEY_TYPES[key]) for key, value in entry.items()):
        raise UsageError(f"entry {number} of {path} is {entry!r:.200}; expected the form {EXPECTED_DATALIST}.")
    places = {key: str(path.parent / entry[key]) for key in ("video", "truth") if key in entry}
    one = entry.get("ref_mask", "")
    masks = [str(path.parent / mask) for mask in one] if isinstance(one, list) else one and str(path.parent / one)
    annotated = _annotated(masks, entry.get("ref_frame", 0))
    return VideoCase(**{"name": _name(places["video"]), **entry, **places, **annotated})


def _is_sound(value: Any, kinds: Sequence[type]) -> bool:
    """Whether a value has exactly one of these types and, if it is text or a list of masks, can name files."""
    if type(value) not in kinds or value == "":
        return False
    if isinstance(value, list) and str in kinds:
        return all(_is_sound(part, [str]) for part in value)
    try:
        return not isinstance(value, str) or b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False


def _check_names(cases: Sequence[VideoCase], path: Path) -> None:
    name, count = Counter(case.name for case in cases).most_common(1)[0]
    if count > 1:
        raise UsageError(f'{count} videos of {path} are called {name!r}; give each its own "name".')
    for case in cases:
        if not PLAIN_NAME.fullmatch(case.name):
            raise UsageError(
                f"{case.name!r:.80} in {path} is no plain folder name; expected one of at most 255 characters, "
                'without path separators, that does not start with a dot; give another "name".'
            )


def _name(video: str) -> str:
    path = Path(os.path.abspath(video))  # "." and ".." get their names; links keep theirs
    name = path.parent.name if "*" in path.name else path.name
    # Other dots belong to the name: of a date, of a DICOM UID.
    suffix = next((suffix for suffix in VIDEO_SUFFIXES if name.lower().endswith(suffix)), "")
    return CONTROL_CHARACTERS.sub("_", name[: len(name) - len(suffix)].lstrip(".")) or "video"
