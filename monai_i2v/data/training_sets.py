# SPDX-License-Identifier: Apache-2.0
"""What lists of stills and of clips have in common: sets are sub-folders, classes are label values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from monai_i2v.errors import UsageError

__all__ = ["choose_sets", "classes_of"]


def choose_sets(
    root: Path, wanted: Sequence[str] | None, found: Collection[str], *, kind: str, expected: str
) -> list[str]:
    """The sets to read: the wanted ones, or all that were found, sorted.

    Args:
        root: their folder.
        wanted: names, all when None.
        found: names of the sets that are there.
        kind: what the sets hold, for the error.
        expected: how the folder should look, for the error.

    Raises:
        UsageError: When a set is missing, or there is none.
    """
    names = sorted(found)
    missing = sorted(set(wanted or names) - set(names))
    if missing or not names:
        wrong = f"has no set {missing[0]!r}" if missing else f"holds no labelled {kind}"
        raise UsageError(f"{root} {wrong}; expected {expected}; the sets found are {names}.")
    return list(wanted or names)


def classes_of(label_map: np.ndarray, min_share: float = 0.0) -> list[int]:
    """Label values that cover at least `min_share` of a label map, without 0."""
    values, counts = np.unique(label_map, return_counts=True)
    return [int(value) for value in values[counts >= min_share * counts.sum()] if value > 0]
