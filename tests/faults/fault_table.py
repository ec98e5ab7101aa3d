# SPDX-License-Identifier: Apache-2.0
"""What happens with every fault: each outcome in ``outcomes.json``, and a table per kind in ``docs/faults.md``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from fault import Fault

OUTCOMES = Path(__file__).with_name("outcomes.json")
PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
SUFFIXES = r"(?:nii\.gz|nii|session|nrrd|mp4|avi|mkv|dcm|mha|png|jpg|json|pt)"
FILE = re.compile(r"(?:the )?(?:mask |datalist |checkpoint )?[^\s:;(),]+\." + SUFFIXES + r"\b")
NOISE = re.compile(r" of it$|wrong bytes at its |no file larger than ")  # what the heading says
HEAD = """# What happens with malformed and awkward inputs

Each of {count} such inputs is tested from the file to the results, with a segmenter that copies masks.
It ends in masks that are right, or it is refused with one sentence, and never in anything half.
Where bytes are wrong, the sentence may differ with the versions of the libraries.
The tests know every sentence to the letter (`tests/faults/outcomes.json`).
"""


def write_outcomes(outcomes: Mapping[str, str], faults: Mapping[str, Fault]) -> None:
    """Write what happened, and the page."""
    text = json.dumps({name: outcomes[name] for name in faults}, indent=1, ensure_ascii=True)
    OUTCOMES.write_text(text + "\n", encoding="utf-8")
    PAGE.write_text(page(outcomes, faults), encoding="utf-8")


def read_outcomes() -> dict[str, str]:
    """Outcomes by name of the fault."""
    outcomes: dict[str, str] = json.loads(OUTCOMES.read_text(encoding="utf-8"))
    return outcomes


def page(outcomes: Mapping[str, str], faults: Mapping[str, Fault]) -> str:
    """A table per kind, with a line per outcome."""
    lines = [HEAD.format(count=len(faults))]
    for group, members in groupby(faults.values(), key=lambda fault: fault.group):
        lines += [f"## {group}\n", "| outcome | inputs |", "| --- | --- |", *_rows(members, outcomes), ""]
    return "\n".join(lines)


def _rows(members: Iterable[Fault], outcomes: Mapping[str, str]) -> Iterator[str]:
    names: dict[str, list[str]] = {}
    for fault in members:
        names.setdefault(in_short(outcomes[fault.id]), []).append(NOISE.sub("", fault.name))
    for outcome, alike in names.items():
        yield f"| {escape(outcome)} | {escape('; '.join(alike))} |"


def in_short(outcome: str) -> str:
    """What is wrong, without the names and numbers of a single input; or that there are masks."""
    if kind_of(outcome) == "accepted":
        return "right, with frames marked as unreadable" if "unreadable" in outcome else "right"
    wrong = re.split(r"; |, expected ", outcome.removeprefix("refused: "))[0]
    return "refused: " + re.sub(r"\d+", "N", FILE.sub("the file", re.sub(r" \(.*\)", "", wrong)))


def escape(text: str) -> str:
    """Text that stays in its cell, and on its line."""
    shown = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return shown.replace("|", "\\|").replace("<", "&lt;")


def kind_of(outcome: str) -> str:
    """The outcome without its sentence."""
    return "refused" if outcome.startswith("refused") else "accepted"
