# SPDX-License-Identifier: Apache-2.0
"""Scores of methods on clips: kept in a JSON file, averaged, compared and printed."""

from __future__ import annotations

import json
import resource
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from clips import family_of
from fresh_process import KIB_PER_MIB

from monai_i2v.errors import UsageError
from monai_i2v.files.complete_file import complete_file
from monai_i2v.metrics import paired_bootstrap

__all__ = ["BASELINE", "Results", "Row", "clip_means", "paired_difference", "print_differences", "print_scores"]

BASELINE = "image"  # the method that the others are compared with
ALL = "all"


@dataclass(frozen=True)
class Row:
    """Scores of one object of a clip: means over `frames` frames."""

    method: str
    clip: str
    object: int
    frames: int
    dice: float
    iou: float
    j: float
    f: float
    seconds_per_frame: float  # of the whole clip: adaptation and all objects, without decoding
    false_positive_px: float | None = None  # mean over frames that do not show the object; None without such frames

    @property
    def family(self) -> str:
        """See `Clip.family`."""
        return family_of(self.clip)


class Results:
    """Rows in a JSON file that is complete after every clip.

    Args:
        path: the file; rows that it has are kept.
        settings: what the rows depend on.
        command: how the file is made.

    Raises:
        UsageError: When the file was made with other settings.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], command: str) -> None:
        self.path, self.settings, self.command = path, settings, command
        earlier: dict[str, Any] = {"settings": settings, "rows": []}
        if path.exists():
            earlier = json.loads(path.read_text(encoding="utf-8"))
        changed = [key for key in settings if earlier["settings"].get(key) != settings[key]]
        if changed:
            raise UsageError(
                f"{path} was made with another {', '.join(changed)}, expected the same to continue it; give another "
                "--output, or delete the file."
            )
        self.rows = [Row(**row) for row in earlier["rows"]]
        self.peak_mib: float = earlier.get("peak_mib", 0.0)

    def has(self, method: str, clip: str) -> bool:
        """Whether the file has a method's rows of a clip."""
        return any((row.method, row.clip) == (method, clip) for row in self.rows)

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows and write the file."""
        self.rows.extend(rows)
        self.peak_mib = max(self.peak_mib, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB)
        content = {
            "rows": [asdict(row) for row in self.rows],
            "settings": self.settings,
            "command": self.command,
            "peak_mib": self.peak_mib,  # of the process that made the rows, with everything that it did
        }
        with complete_file(self.path) as partial:
            partial.write_text(json.dumps(content, indent=1), encoding="utf-8")


def clip_means(rows: Sequence[Row], method: str, family: str, measure: str) -> dict[str, float]:
    """Means over the objects of each clip.

    Args:
        rows: rows of any methods and clips.
        method: the method to take.
        family: the family to take, or `ALL`.
        measure: name of a number of `Row`.
    """
    taken = [row for row in rows if row.method == method and family in (row.family, ALL)]
    clips = dict.fromkeys(row.clip for row in taken)
    return {clip: fmean(getattr(row, measure) for row in taken if row.clip == clip) for clip in clips}


def paired_difference(own: Mapping[str, float], baseline: Mapping[str, float]) -> tuple[float, ...]:
    """Mean of `own` minus `baseline` over the clips of `own`, and the limits of its interval.

    One clip has no interval.
    """
    if len(own) > 1:
        return tuple(paired_bootstrap(list(own.values()), [baseline[clip] for clip in own]))
    return tuple(value - baseline[clip] for clip, value in own.items())


def print_scores(rows: Sequence[Row]) -> None:
    """A line per method: means over the clips of each family, over frames that show the object; time; and the area
    that is called object in frames that do not show it.
    """
    families = dict.fromkeys(row.family for row in rows)
    counts = [len({row.clip for row in rows if row.family == family}) for family in families]
    header = [
        "Dice / J / F",
        *(f"{family} ({count})" for family, count in zip(families, counts, strict=True)),
        "s/frame",
        "px where empty",
    ]
    lines = [
        [
            *(method, *(_scores(rows, method, family) for family in families)),
            *(_mean(rows, method, ALL, "seconds_per_frame"), _false_positives(rows, method)),
        ]
        for method in dict.fromkeys(row.method for row in rows)
    ]
    _print_table([header, *lines])


def print_differences(rows: Sequence[Row]) -> None:
    """A line per method: its Dice minus the baseline's, with the 95 % interval of a paired bootstrap over clips."""
    methods = dict.fromkeys(row.method for row in rows)
    if BASELINE not in methods:
        return
    families = [*dict.fromkeys(row.family for row in rows), ALL]
    lines = [
        [method, *(_difference(rows, method, family) for family in families)]
        for method in methods
        if method != BASELINE
    ]
    if lines:
        _print_table([[f"Dice - {BASELINE}'s", *families], *lines])


def _scores(rows: Sequence[Row], method: str, family: str) -> str:
    return " / ".join(_mean(rows, method, family, measure) for measure in ("dice", "j", "f"))


def _mean(rows: Sequence[Row], method: str, family: str, measure: str) -> str:
    return f"{fmean(clip_means(rows, method, family, measure).values()):.3f}"


def _false_positives(rows: Sequence[Row], method: str) -> str:
    """Area that is called object in frames that do not show it, px; a dash where there are no such frames."""
    taken = [row for row in rows if row.method == method and row.false_positive_px is not None]
    return f"{fmean(clip_means(taken, method, ALL, 'false_positive_px').values()):.0f}" if taken else "-"


def _difference(rows: Sequence[Row], method: str, family: str) -> str:
    own, baseline = (clip_means(rows, name, family, "dice") for name in (method, BASELINE))
    mean, *limits = (f"{value:+.3f}" for value in paired_difference(own, baseline))
    return f"{mean} [{', '.join(limits)}]" if limits else mean


def _print_table(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print()
