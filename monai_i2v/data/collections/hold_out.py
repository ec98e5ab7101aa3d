# SPDX-License-Identifier: Apache-2.0
"""A validation split by patient, where there is no official one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from monai_i2v.data.collections.sample import Sample
from monai_i2v.errors import UsageError
from monai_i2v.files.natural_order import natural_key

__all__ = ["hold_out"]


def hold_out(samples: Sequence[Sample], share: float, seed: int = 0) -> list[Sample]:
    """Give each sample a split: what is on no official list is ``"training"``, but for whole groups (patients).

    Args:
        samples: samples of one collection.
        share: share of the groups in training that become ``"validation"``, at least one of them unless it is 0; where
            there is an official validation split, none does.
        seed: start of the random draw.

    Raises:
        UsageError: When the share is not in [0, 1).

    Example::

        >>> from monai_i2v.data.collections import Sample, hold_out
        >>> samples = [Sample(f"{patient}_{view}", group=patient) for patient in "abcde" for view in "12"]
        >>> [sample.name for sample in hold_out(samples, 0.2) if sample.split == "validation"]
        ['c_1', 'c_2']
    """
    if not 0 <= share < 1:
        raise UsageError(f"the share to hold out is {share}, expected 0 up to less than 1; 0.2 is one fifth.")
    samples = [replace(sample, split=sample.split or "training") for sample in samples]
    groups = sorted({sample.group for sample in samples if sample.split == "training"}, key=_order)
    is_needed = share and not any(sample.split == "validation" for sample in samples)
    count = max(1, round(share * len(groups))) if is_needed else 0
    drawn = {groups[index] for index in np.random.RandomState(seed).permutation(len(groups))[:count]}
    return [
        replace(sample, split="validation") if sample.split == "training" and sample.group in drawn else sample
        for sample in samples
    ]


def _order(group: str) -> list[int | str]:
    return natural_key(Path(group))
