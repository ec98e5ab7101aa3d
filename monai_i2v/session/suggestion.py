# SPDX-License-Identifier: Apache-2.0
"""Which frame should a person draw next?"""

from __future__ import annotations

from collections.abc import Sequence

from monai_i2v.tracking.fusion import Fusion

__all__ = ["suggest_frames"]


def suggest_frames(fusion: Fusion, labels: Sequence[int], count: int, *, cyclic: bool) -> list[int]:
    """Frames that are most worth drawing: the network is unsure of them, and they are far from drawn ones.

    Args:
        fusion: what is known so far.
        labels: objects.
        count: how many frames.
        cyclic: after the last frame comes the first.

    Returns:
        Frame indices, the most worth first; fewer when there are no more.
    """
    length = len(fusion.frames)
    doubt = {index: _doubt(fusion, labels, index) for index in range(length) if index not in fusion.drawn}
    chosen: list[int] = []
    while doubt and len(chosen) < count:
        drawn = [*fusion.drawn, *chosen]
        worth = {index: value * _distance(index, drawn, length, cyclic=cyclic) for index, value in doubt.items()}
        best = max(worth, key=lambda index: (worth[index], -index))
        chosen.append(best)
        del doubt[best]
    return chosen


def _doubt(fusion: Fusion, labels: Sequence[int], index: int) -> float:
    known = [label for label in labels if fusion.nearest(label, index)]
    return 1 - min((fusion.confidence(label, index) for label in known), default=0.0)


def _distance(index: int, drawn: Sequence[int], length: int, *, cyclic: bool) -> float:
    """To the next drawn frame, as a share of the video; a neighbor tells little new."""
    gaps = [abs(index - other) for other in drawn]
    if cyclic:
        gaps = [min(gap, length - gap) for gap in gaps]
    return min(gaps, default=length) / length
