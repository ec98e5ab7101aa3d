# SPDX-License-Identifier: Apache-2.0
"""Is one method better than another on the same videos, or was it luck?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["MeanDifference", "paired_bootstrap"]

CHUNK = 1_000_000  # numbers drawn at a time, to bound the memory


class MeanDifference(NamedTuple):
    """Mean of a - b with the limits of its 95 % interval; an interval without 0 is no luck.

    Example::

        >>> from monai_i2v.metrics.bootstrap import MeanDifference
        >>> MeanDifference(mean=0.02, low=0.01, high=0.03).low
        0.01
    """

    mean: float
    low: float
    high: float


def paired_bootstrap(
    a: Sequence[float], b: Sequence[float], *, resamples: int = 10000, seed: int = 0
) -> MeanDifference:
    """Mean difference of two methods over videos, with a percentile interval from resampled videos.

    Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. The pair of a video stays
    together.

    Args:
        a: one score per video.
        b: scores of the other method, of the same videos in the same order.
        resamples: how many sets of videos are drawn, with replacement.
        seed: of the drawing.

    Returns:
        The mean of a - b and the 2.5 and 97.5 percentiles of the resampled means.

    Raises:
        ValueError: When the scores do not pair up, are fewer than two, or are not finite.

    Example::

        >>> from monai_i2v.metrics.bootstrap import paired_bootstrap
        >>> paired_bootstrap([0.8, 0.9], [0.7, 0.7]).mean.__round__(3)
        0.15
    """
    difference = _paired_difference(a, b)
    rng = np.random.default_rng(seed)
    count = len(difference)
    step = max(CHUNK // count, 1)
    means = np.concatenate(
        [
            difference[rng.integers(count, size=(min(step, resamples - done), count))].mean(axis=1)
            for done in range(0, resamples, step)
        ]
    )
    low, high = np.percentile(means, [2.5, 97.5])
    return MeanDifference(float(difference.mean()), float(low), float(high))


def _paired_difference(a: Sequence[float], b: Sequence[float]) -> np.ndarray:
    if len(a) != len(b) or len(a) < 2:
        raise ValueError(
            f"a and b must hold one score per video of the same two or more videos, got {len(a)} and "
            f"{len(b)}; leave out videos that only one method has seen."
        )
    difference = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    odd = np.flatnonzero(~np.isfinite(difference))
    if odd.size:
        raise ValueError(
            f"scores must be finite, but video {odd[0]} has {a[odd[0]]} and {b[odd[0]]}; leave out videos "
            "that do not have both."
        )
    return difference
