# SPDX-License-Identifier: Apache-2.0
"""How much of a collection is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Check"]

PARTS = ("training", "validation", "test", "all")
NAMES_SHOWN = 3  # of samples that lack a file


@dataclass(frozen=True)
class Check:
    """What a folder holds of a collection.

    Args:
        found: samples by split, and their sum as ``"all"``.
        published: what its authors count.
        without_mask: names of media that nobody drew a mask for, or whose mask is missing.
        without_media: names of masks that belong to nothing.

    Example::

        >>> from monai_i2v.data.collections import Check
        >>> print(Check({"training": 20, "all": 20}, {"training": 20, "test": 20, "all": 40}, ["01"]))
        training: found 20, published 20
        test: found 0, published 20
        all: found 20, published 40
        without mask: 1 (01)
    """

    found: Mapping[str, int]
    published: Mapping[str, int]
    without_mask: Sequence[str] = ()
    without_media: Sequence[str] = ()

    def __str__(self) -> str:
        parts = [part for part in PARTS if part in {**self.found, **self.published}]
        lines = [f"{part}: found {self.found.get(part, 0)}{self._of(part)}" for part in parts]
        for names, what in ((self.without_mask, "mask"), (self.without_media, "image or video")):
            if names:
                shown = ", ".join(names[:NAMES_SHOWN]) + (" ..." if len(names) > NAMES_SHOWN else "")
                lines.append(f"without {what}: {len(names)} ({shown})")
        return "\n".join(lines)

    def _of(self, part: str) -> str:
        return f", published {self.published[part]}" if part in self.published else ""
