# SPDX-License-Identifier: Apache-2.0
"""A small set of images counts as much as a large one, a rare class as much as a common one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.options import read_number

__all__ = ["BalancedDraw"]


class BalancedDraw:
    """Draw evenly over sets, then over the classes of a set.

    Args:
        datalist: items with ``set`` and ``classes``.
        weights: of sets that are to be drawn more or less often than the others, which weigh 1.

    Raises:
        UsageError: a weight of a set that is not there, or that is no number from 0 on.
    """

    def __init__(self, datalist: Sequence[Mapping[str, Any]], weights: Mapping[str, float] | None = None) -> None:
        self.members: dict[str, dict[int, list[int]]] = {}
        for index, item in enumerate(datalist):
            for value in item["classes"]:
                self.members.setdefault(item["set"], {}).setdefault(value, []).append(index)
        self.shares = self._shares(weights) if weights else None

    def _shares(self, weights: Mapping[str, float]) -> np.ndarray:
        """How often each set is drawn; they sum to 1."""
        for name, weight in weights.items():
            if name not in self.members:
                known = ", ".join(sorted(self.members))
                raise UsageError(f"there is no set {name} to weigh; the data has {known}.")
            read_number(f"the weight of set {name}", weight, 0, use=1)
        shares = np.array([weights.get(name, 1.0) for name in sorted(self.members)])
        if not shares.any():
            raise UsageError("all sets weigh 0; give at least one of them a larger weight.")
        return shares / shares.sum()

    def draw_class(self, random: np.random.RandomState) -> tuple[int, list[int]]:
        """A class, and the indices of the items of its set that show it."""
        sets = sorted(self.members)
        number = random.randint(len(sets)) if self.shares is None else random.choice(len(sets), p=self.shares)
        classes = self.members[sets[number]]
        value = sorted(classes)[random.randint(len(classes))]
        return value, classes[value]
