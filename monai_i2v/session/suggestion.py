# SPDX-License-Identifier: Apache-2.0
"""Which frame should a person draw next?"""

from __future__ import annotations

from collections.abc import Sequence

from monai_i2v.tracking.findings import Findings

__all__ = ["suggest_frames"]


def suggest_frames(findings: Findings, labels: Sequence[int], count: int, *, cyclic: bool) -> list[int]:
    """Frames that are most worth drawing: the network is unsure of them, and they are far from drawn ones.

    Args:
        findings: what is known so far.
        labels: objects.
        count: how many frames.
        cyclic: after the last frame comes the first.

    Returns:
        Frame indices, the most worth first; fewer when there are no more.
    """
    length = len(findings.frames)
    doubt = {index: _doubt(findings, labels, index) for index in range(length) if index not in findings.given}
    chosen: list[int] = []
    while doubt and len(chosen) < count:
        drawn = [*findings.given, *chosen]
        worth = {index: value * _distance(index, drawn, length, cyclic=cyclic) for index, value in doubt.items()}
        best = max(worth, key=lambda index: (worth[index], -index))
        chosen.append(best)
        del doubt[best]
    return chosen


def _doubt(findings: Findings, labels: Sequence[int], index: int) -> float:
    known = [label for label in labels if findings.nearest(label, index)]
    return 1 - min((findings.confidence(label, index) for label in known), default=0.0)


def _distance(index: int, drawn: Sequence[int], length: int, *, cyclic: bool) -> float:
    """To the next drawn frame, as a share of the video; a neighbor tells little new."""
    gaps = [abs(index - other) for other in drawn]
    if cyclic:
        gaps = [min(gap, length - gap) for gap in gaps]
    return min(gaps, default=length) / length
