# SPDX-License-Identifier: Apache-2.0
"""The way of some objects through a video, from a frame where they were drawn.

Axes: `K` objects, `h w` pixels of the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from monai_i2v.tracking.mask_store import StoredMasks

__all__ = ["Track", "TrackedFrame", "ring_or_line"]


@dataclass(frozen=True)
class TrackedFrame:
    """What a track found in a frame."""

    distance: int  # frames from the anchor
    masks: StoredMasks  # (K, h, w)
    confidence: tuple[float, ...]  # see `mask_confidence`, one per object
    remembered: bool = False  # by the network


@dataclass
class Track:
    """Masks carried from an anchor into one direction.

    Args:
        anchor: the annotated frame.
        direction: 1 with time, -1 against it.
        labels: the objects that it follows.
        revision: which turn of work began it; see `Tracker.run`.
    """

    anchor: int
    direction: int
    labels: tuple[int, ...]
    revision: int
    frames: dict[int, TrackedFrame] = field(default_factory=dict)
    state: Any = None  # the network's, after the last frame; None before the first, and after loading
    settled: bool = False  # it agreed with what was there before, and need not go on
    agreed: int = 0  # frames in a row


def ring_or_line(anchor: int, direction: int, length: int, *, cyclic: bool) -> Iterator[int]:
    """Frames after an anchor, in order: to the end of the video, or around it when it is a cycle.

    Example::

        >>> from monai_i2v.tracking.track import ring_or_line
        >>> list(ring_or_line(2, 1, 5, cyclic=False)), list(ring_or_line(2, -1, 5, cyclic=True))
        ([3, 4], [1, 0, 4, 3])
    """
    for distance in range(1, length):
        frame = anchor + direction * distance
        if cyclic:
            yield frame % length
        elif 0 <= frame < length:
            yield frame
