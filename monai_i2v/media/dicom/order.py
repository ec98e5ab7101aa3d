# SPDX-License-Identifier: Apache-2.0
"""In which order DICOM frames follow each other, and when."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from monai_i2v.errors import UsageError
from monai_i2v.media.dicom.moment import Moment
from monai_i2v.media.video import FRAME_TIMES

__all__ = ["FrameOrder", "check_one_slice", "find_order"]

logger = logging.getLogger(__name__)

CONTENT = "ContentTime"  # when a picture was made, which may be long after it was taken
HALF_DAY, DAY = 43200.0, 86400.0  # s
LEAST_BEAT = 3  # frames per heart beat, where trigger times begin again with each
STATED = "InstanceNumber"


class FrameOrder(NamedTuple):
    """Order of frames.

    Args:
        ranks: their places in the list that was sorted.
        times: seconds of each, in this order; () when unknown.
        is_certain: whether `times` are when frames were taken, not when they were saved.
    """

    ranks: tuple[int, ...]
    times: tuple[float, ...]
    is_certain: bool


def check_one_slice(path: str, moments: Sequence[Moment], advice: str) -> None:
    """Refuse several slices over time, and several pictures of each moment.

    Raises:
        UsageError: When the frames are that.
    """
    places = {moment.place for moment in moments}
    if 1 < len(places) < len(moments):
        raise UsageError(f"{path} holds {len(places)} slices over time; expected one slice; {advice}")
    for keyword in ("TemporalPositionIndex", "TemporalPositionIdentifier"):
        counts = Counter(moment.indices.get(keyword, ()) for moment in moments)
        if 1 < len(counts) < len(moments) and len(set(counts.values())) == 1 and () not in counts:
            raise UsageError(
                f"{path} holds {len(moments) // len(counts)} pictures of each moment (such as magnitude and phase); "
                f"expected one; {advice}"
            )


def find_order(moments: Sequence[Moment]) -> FrameOrder:
    """Sort frames of one slice: by indices in time of one file, by instance numbers of several, or by their clocks.

    Frames of one file have no instance numbers that differ. Those of several files count where some clock agrees with
    them, or there is none. Else the clock is right; that is logged, as is any other contradiction. What is the same in
    several frames, or missing in some, counts for nothing. Where nothing counts, the frames stay as they are.

    Args:
        moments: what is known of the frames.

    Example::

        >>> from monai_i2v.media.dicom.moment import Moment
        >>> from monai_i2v.media.dicom.order import find_order
        >>> find_order([Moment(clocks={"TriggerTime": time}) for time in (0.5, 0.1, 0.2)])
        FrameOrder(ranks=(1, 2, 0), times=(0.1, 0.2, 0.5), is_certain=True)
    """
    stated = _usable([moment.stated for moment in moments])
    numbers = [(moment.stated or 0, rank) for rank, moment in enumerate(moments)]
    indices = _columns([moment.indices for moment in moments])
    clocks = {key: _over_midnight(values) for key, values in _columns([moment.clocks for moment in moments]).items()}
    if len({moment.place for moment in moments}) > 1:  # a stack of slices, which is scanned in any order
        ranks = _sorted(numbers if stated or not indices else next(iter(indices.values())))
        return FrameOrder(ranks, *_times(ranks, clocks))
    keys = {**indices, **{key: values for key, values in clocks.items() if not _is_beats(values, numbers)}}
    name = _choose(keys, indices, stated, numbers)
    ranks = _sorted(numbers if name is None else keys[name])
    others = {**keys, **({STATED: stated} if stated else {})}
    against = [key for key, values in others.items() if not _rises(values, ranks)]
    if against:
        logger.warning("The order of the frames by %s contradicts %s; the first is taken.", name or STATED, against[0])
    return FrameOrder(ranks, *_times(ranks, clocks))


def _choose(keys: dict[str, Any], indices: dict[str, Any], stated: Sequence[Any], numbers: Sequence[Any]) -> str | None:
    """What to sort by; None for instance numbers, or the order in which the frames are."""
    agrees = any(_rises(values, _sorted(numbers)) for values in keys.values())
    if not keys or (agrees and (stated or not indices)):
        return None
    return next(iter(keys))


def _columns(facts: Sequence[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Values of all frames by attribute, where all have different ones."""
    keys = facts[0] if facts else {}
    columns = {key: _usable([fact.get(key) for fact in facts]) for key in keys}
    return {key: values for key, values in columns.items() if values}


def _usable(values: Sequence[Any]) -> tuple[Any, ...]:
    return () if None in values or len(set(values)) < max(len(values), 2) else tuple(values)


def _sorted(values: Sequence[Any]) -> tuple[int, ...]:
    return tuple(sorted(range(len(values)), key=values.__getitem__))


def _rises(values: Sequence[Any], ranks: Sequence[int]) -> bool:
    return all(values[before] < values[after] for before, after in pairwise(ranks))


def _over_midnight(values: Sequence[float]) -> tuple[float, ...]:
    """Times of day after midnight as those of the next day, where a recording would else last most of a day."""
    if not HALF_DAY < max(values) - min(values) < DAY:
        return tuple(values)
    return tuple(value + DAY * (value - min(values) < HALF_DAY) for value in values)


def _is_beats(values: Sequence[float], numbers: Sequence[Any]) -> bool:
    """Whether times begin again with each heart beat: they rise in runs, each of which goes back into the last."""
    runs: list[list[float]] = []
    for rank in _sorted(numbers):
        if not runs or values[rank] < runs[-1][-1]:
            runs.append([])
        runs[-1].append(values[rank])
    overlaps = all(before[0] <= after[-1] and after[0] <= before[-1] for before, after in pairwise(runs))
    return 1 < len(runs) <= len(values) / LEAST_BEAT and overlaps


def _times(ranks: Sequence[int], clocks: Mapping[str, Sequence[float]]) -> tuple[tuple[float, ...], bool]:
    """Times of the first clock that rises as the frames do, by steps that can be, and whether it is certain."""
    for key, values in clocks.items():
        steps = [values[after] - values[before] for before, after in pairwise(ranks)]
        if steps and all(FRAME_TIMES[0] <= step <= FRAME_TIMES[1] for step in steps):
            return tuple(values[rank] for rank in ranks), key != CONTENT
    return (), False
