# SPDX-License-Identifier: Apache-2.0
"""``docs/faults.md``: what happens with every fault."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from fault import Fault

TABLE = Path(__file__).parents[2] / "docs" / "faults.md"
SEPARATOR = "; "
HEAD = """# What happens with malformed and awkward inputs

Each of these inputs is tested from the file to the results, with a segmenter that copies masks: it ends in masks that
are right, or in one sentence (*refused*), and never in anything half. `python -m pytest tests/faults
--write-fault-table` writes this page; the tests fail when it is not true. Where bytes are wrong, the sentence may
differ with the versions of the libraries.
"""


def write_table(outcomes: Mapping[str, str], faults: Mapping[str, Fault]) -> None:
    """Write what happened."""
    lines = [HEAD]
    for group, members in groupby(faults.values(), key=lambda fault: fault.group):
        lines += [f"## {group}\n", "| input | outcome |", "| --- | --- |"]
        for outcome, alike in groupby(members, key=lambda fault: escape(outcomes[fault.id])):
            lines.append(f"| {SEPARATOR.join(escape(fault.name) for fault in alike)} | {outcome} |")
        lines.append("")
    TABLE.write_text("\n".join(lines), encoding="utf-8")


def read_table() -> dict[str, str]:
    """Outcomes by name of the fault, as they stand in the table."""
    group, outcomes = "", {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            group = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith(("| input", "| ---")):
            names, outcome = line.removeprefix("| ").removesuffix(" |").split(" | ", 1)
            outcomes |= {f"{group}: {name}": outcome for name in names.split(SEPARATOR)}
    return outcomes


def escape(text: str) -> str:
    """Text that stays in its cell, and on its line."""
    shown = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return shown.replace("|", "\\|").replace("<", "&lt;")


def kind_of(outcome: str) -> str:
    """The outcome without its sentence."""
    return "refused" if outcome.startswith("refused") else "accepted"
