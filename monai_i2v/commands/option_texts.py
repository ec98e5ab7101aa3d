# SPDX-License-Identifier: Apache-2.0
"""What ``docs/options.md`` says of a bundle's options, for ``--help``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from monai_i2v.files.bundle_folders import shipped_path

__all__ = ["OptionText", "option_texts", "preset_texts"]

PAGE = "docs/options.md"
SHORT_NAME = re.compile(r"\*\*(\w+)\*\*\s+\(`(\w+)`\)")  # **memory** (`temporal_contrastive_...`)


class OptionText(NamedTuple):
    """A row of the page."""

    default: str
    about: str


def option_texts(bundle: str) -> dict[str, OptionText]:
    """The options of a bundle's ``inference.json``, by name; none for a bundle that the page does not know.

    Args:
        bundle: name of the bundle.

    Raises:
        UsageError: When the page is missing.

    Example::

        >>> from monai_i2v.commands.option_texts import option_texts
        >>> option_texts("temporal_contrastive_memory_video_segmentation")["top_k"]
        OptionText(default='30', about='places that a place reads; None: all')
    """
    short = _short_name(bundle)
    rows = _rows("Segmenting")
    return {row["option"]: OptionText(row[short], row["what it is"]) for row in rows if row.get(short)}


def preset_texts(bundle: str) -> dict[str, str]:
    """What each preset of a bundle learns.

    Example::

        >>> from monai_i2v.commands.option_texts import preset_texts
        >>> preset_texts("temporal_contrastive_memory_video_segmentation")["memory_only"]
        'nothing'
    """
    short = _short_name(bundle)
    return {row["preset"]: row["what is learned"] for row in _rows("Presets") if row["bundle"] == short}


def _short_name(bundle: str) -> str:
    names = {name: short for short, name in SHORT_NAME.findall(_page())}
    return names.get(bundle, "")


def _rows(heading: str) -> Iterator[dict[str, str]]:
    """Rows of the table below a heading that begins so, each from column to text."""
    section = _page().partition(f"\n## {heading}")[2].partition("\n## ")[0]
    lines = [line.strip("|").replace("`", "") for line in section.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    for row in rows:
        yield dict(zip(head, row, strict=True))


def _page() -> str:
    return shipped_path(PAGE).read_text(encoding="utf-8")
