# SPDX-License-Identifier: Apache-2.0
"""Which tracks stay as they are when something that was drawn changes, and which begin anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from monai_i2v.tracking.drawn_masks import Drawn
from monai_i2v.tracking.track import Track

__all__ = ["tracks_without_frame", "tracks_without_object"]


def tracks_without_frame(tracks: Iterable[Track], drawn: Drawn, frame: int, *, supports: bool) -> list[Track]:
    """Tracks that go on when what was drawn in a frame is replaced or forgotten.

    Args:
        tracks: all tracks.
        drawn: what was drawn until now.
        frame: whose masks change.
        supports: tracks know what was drawn before their anchor.
    """
    order = list(drawn)
    untouched = order[: order.index(frame)]  # what was drawn later knows the old masks
    return [_whole(one) for one in tracks if one.anchor in untouched or (not supports and one.anchor != frame)]


def tracks_without_object(tracks: Iterable[Track], drawn: Drawn, label: int) -> list[Track]:
    """Tracks that go on when an object is forgotten.

    Args:
        tracks: all tracks.
        drawn: what is drawn without it.
        label: the object. Others were segmented beside it: without it, they may reach where it was.
    """
    return [_whole(one) for one in tracks if label not in one.labels and one.anchor in drawn]


def _whole(track: Track) -> Track:
    """A track that goes its whole way, if it ended early since it agreed with tracks that may be gone."""
    return replace(track, frames={}, state=None, settled=False, agreed=0) if track.settled else track
