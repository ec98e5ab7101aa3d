# SPDX-License-Identifier: Apache-2.0
"""A test split by patient, where there is no official one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from monai_i2v.data.collections.sample import Sample
from monai_i2v.data.natural_order import natural_key
from monai_i2v.errors import UsageError

__all__ = ["hold_out"]


def hold_out(samples: Sequence[Sample], share: float, seed: int = 0) -> list[Sample]:
    """Give samples that are on no official list a split: whole groups (patients) become ``"test"``.

    Args:
        samples: samples of one collection.
        share: share of the groups to hold out, at least one; with 0 all are ``"training"``.
        seed: start of the random draw.

    Raises:
        UsageError: When the share is not in [0, 1).

    Example::

        >>> from monai_i2v.data.collections import Sample, hold_out
        >>> samples = [Sample(f"{patient}_{view}", group=patient) for patient in "abcde" for view in "12"]
        >>> [sample.name for sample in hold_out(samples, 0.2) if sample.split == "test"]
        ['c_1', 'c_2']
    """
    if not 0 <= share < 1:
        raise UsageError(f"the share to hold out is {share}, expected 0 up to less than 1; 0.2 is one fifth.")
    groups = sorted(
        {sample.group for sample in samples if sample.split is None}, key=lambda name: natural_key(Path(name))
    )
    count = max(1, round(share * len(groups))) if share and groups else 0
    drawn = np.random.RandomState(seed).permutation(len(groups))[:count]
    held_out = {groups[index] for index in drawn}
    return [
        sample if sample.split else replace(sample, split="test" if sample.group in held_out else "training")
        for sample in samples
    ]
