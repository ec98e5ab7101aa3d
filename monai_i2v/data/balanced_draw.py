# SPDX-License-Identifier: Apache-2.0
"""A small set of images counts as much as a large one, a rare class as much as a common one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["BalancedDraw"]


class BalancedDraw:
    """Draw evenly over sets, then over the classes of a set.

    Args:
        datalist: items with ``set`` and ``classes``.
    """

    def __init__(self, datalist: Sequence[Mapping[str, Any]]) -> None:
        self.members: dict[str, dict[int, list[int]]] = {}
        for index, item in enumerate(datalist):
            for value in item["classes"]:
                self.members.setdefault(item["set"], {}).setdefault(value, []).append(index)

    def draw_class(self, random: np.random.RandomState) -> tuple[int, list[int]]:
        """A class, and the indices of the items of its set that show it."""
        sets = sorted(self.members)
        classes = self.members[sets[random.randint(len(sets))]]
        value = sorted(classes)[random.randint(len(classes))]
        return value, classes[value]
