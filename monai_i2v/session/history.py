# SPDX-License-Identifier: Apache-2.0
"""What can be taken back, and what can be done again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from monai_i2v.errors import UsageError
from monai_i2v.session.notes import Notes
from monai_i2v.tracking.drawn_masks import Drawn
from monai_i2v.tracking.track import Track

__all__ = ["History", "Moment"]

MAX_STEPS = 200  # a step of drawing holds a mask; so many of 800 x 600 px take 100 MB


@dataclass(frozen=True)
class Moment:
    """All that a session knows at a moment, apart from masks on disk, which only become more."""

    drawn: Drawn
    tracks: list[Track]
    notes: Notes

    @classmethod
    def of(cls, drawn: Drawn, tracks: Iterable[Track], notes: Notes) -> Moment:
        """A copy, which stays as it is when the session goes on: without states of the network, which do not."""
        copied = [replace(one, frames=dict(one.frames), state=None) for one in tracks]
        return cls({frame: dict(masks) for frame, masks in drawn.items()}, copied, notes.copy())


class History:
    """Two stacks of moments.

    Example::

        >>> from monai_i2v.session.history import History, Moment
        >>> from monai_i2v.session.notes import Notes
        >>> history, before, after = History(), Moment({}, [], Notes()), Moment({3: {}}, [], Notes())
        >>> history.remember(before)
        >>> list(history.undo(after).drawn), list(history.redo(before).drawn)
        ([], [3])
    """

    def __init__(self) -> None:
        self.past: list[Moment] = []
        self.future: list[Moment] = []

    def remember(self, now: Moment) -> None:
        """Before something new is done: what was taken back is gone then."""
        self.past = [*self.past, now][-MAX_STEPS:]
        self.future = []

    def undo(self, now: Moment) -> Moment:
        """The moment before the last step.

        Raises:
            UsageError: When there is none.
        """
        if not self.past:
            raise UsageError("there is nothing to undo, as nothing was drawn; draw a frame first.")
        self.future.append(now)
        return self.past.pop()

    def redo(self, now: Moment) -> Moment:
        """The moment before the last `undo`.

        Raises:
            UsageError: When there is none.
        """
        if not self.future:
            raise UsageError("there is nothing to do again, as nothing was undone last; undo something first.")
        self.past.append(now)
        return self.future.pop()
