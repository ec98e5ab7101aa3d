# SPDX-License-Identifier: Apache-2.0
"""A video at work: its session, its folder on disk, and what happens to it, told to whoever listens.

Axes: `H W` pixels of the video.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from monai_i2v.app.run_lengths import read_runs, runs_of
from monai_i2v.app.session_folder import SessionFolder
from monai_i2v.errors import UsageError
from monai_i2v.files import complete_file
from monai_i2v.session import VideoSession

__all__ = ["Desk"]

SAVE_SECONDS = 30.0  # of a long pass that a crash may cost


class Desk:
    """Does to a session what a page asks for, and writes it down before.

    A deed is a dictionary that JSON can hold: ``{"do": "draw", "frame": 0, "masks": {"1": runs}}``. It is in the
    journal before it is done; what a session refuses changes nothing, and is refused again when the journal is read
    after a crash.

    Args:
        session: with nothing drawn, or what the folder's session file says.
        folder: where it is written.
        tell: is told what happens: a kind, and a dictionary.
        done: lines of the journal that the session knows already.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.app import Desk
        >>> from monai_i2v.app.session_folder import SessionFolder
        >>> from monai_i2v.phantoms import Phantom
        >>> from monai_i2v.session import VideoSession
        >>> class Still:
        ...     def start(self, frame, masks):
        ...         return masks
        ...     def step(self, frame, state):
        ...         return state, state
        >>> with tempfile.TemporaryDirectory() as output_dir:
        ...     session = VideoSession(Still(), Phantom(length=2, size=(16, 16)), size=None)
        ...     desk = Desk(session, SessionFolder(Path(output_dir, "cine.session")))
        ...     desk.do({"do": "draw", "frame": 0, "masks": {"1": [0, 100, 1, 56, 0, 100]}})
        ...     steps = [index for index in desk.propagate("both")]
        ...     desk.close()
        >>> steps, desk.frame(1)["areas"]
        ([0, 1], {1: 56})
    """

    def __init__(
        self,
        session: VideoSession,
        folder: SessionFolder,
        tell: Callable[[str, Any], None] = lambda kind, data: None,
        *,
        done: int = 0,
    ) -> None:
        self.session, self.folder, self.tell = session, folder, tell
        self.focus = 0  # the frame on the screen: what is near to it is told first
        self._told: dict[int, Hashable] = {}  # traces of frames
        self._stale = set(range(len(session)))
        self._deeds: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "draw": self._draw,
            "forget": lambda deed: session.forget(_whole(deed, "frame")),
            "remove": lambda deed: session.remove(_whole(deed, "label")),
            "review": self._review,
            "describe": lambda deed: session.describe(
                _whole(deed, "label"), name=deed.get("name"), color=deed.get("color")
            ),
            "undo": lambda deed: session.undo(),
            "redo": lambda deed: session.redo(),
        }
        for deed in folder.journal.entries[done:]:
            with suppress(UsageError):
                self._apply(deed)

    def do(self, deed: Mapping[str, Any]) -> None:
        """Do what a page asks for.

        Raises:
            UsageError: When it cannot be done; nothing has changed then.
        """
        if deed.get("do") not in self._deeds:
            raise UsageError(f"{deed.get('do')!r:.40} is nothing to do, expected one of {', '.join(self._deeds)}.")
        self.folder.journal.append(deed)
        self._apply(deed)
        if deed["do"] in ("undo", "redo"):  # what they go back to is not in the journal
            self.save()
        self.tell("state", self.state())

    def propagate(self, direction: Any) -> Iterator[int]:
        """Carry what was drawn through the video, and tell of each frame.

        Raises:
            UsageError: As `VideoSession.propagate`.
        """
        return self._tell_along(self.session.carry(direction))

    def _tell_along(self, steps: Iterator[int]) -> Iterator[int]:
        saved = time.monotonic()
        try:
            for index in steps:
                self._tell_frame(index)
                yield index
                if time.monotonic() - saved > SAVE_SECONDS:
                    self.save()
                    saved = time.monotonic()
        finally:
            self._stale = set(range(len(self.session)))
            self.save()
            self.tell("state", self.state())

    def frame(self, index: int) -> dict[str, Any]:
        """What is known of a frame.

        Raises:
            UsageError: When there is no such frame.
        """
        self._check(index)
        found = self.session[index]
        labels, counts = np.unique(found.label_map, return_counts=True)
        areas = dict(zip(labels.tolist(), counts.tolist(), strict=True))
        return {
            "index": index,
            "runs": runs_of(found.label_map),
            "areas": {label: areas.get(label, 0) for label in found.confidence},
            "confidence": {label: round(value, 3) for label, value in found.confidence.items()},
            "drawn": list(self.session.drawn.get(index, {})),
            "review": found.review,
        }

    def state(self) -> dict[str, Any]:
        """What is known of the session as a whole."""
        session = self.session
        names, colors = session.names, session.colors
        suggested = session.suggest() if session.drawn else []
        return {
            "objects": [{"label": label, "name": names[label], "color": colors[label]} for label in session.labels],
            "drawn": sorted(session.drawn),
            "undo": bool(session.history.past),
            "redo": bool(session.history.future),
            "suggested": suggested[0] if suggested else None,
        }

    def idle(self) -> bool:
        """Tell of a frame whose masks have changed; says whether there may be more."""
        while self._stale:
            index = min(self._stale, key=lambda other: abs(other - self.focus))
            self._stale.discard(index)
            if self._told.get(index) != self.session.trace(index):
                self._tell_frame(index)
                return True
        return False

    def retell(self) -> dict[str, Any]:
        """The state, and soon all frames again: for a page that came later."""
        self._told, self._stale = {}, set(range(len(self.session)))
        return self.state()

    def save(self) -> None:
        """Write the session file, and a line for the list of videos."""
        self.folder.save(self.session.save)
        accepted = sum(review.mark == "accepted" for review in self.session.notes.reviews.values())
        progress = {"frames": len(self.session), "drawn": len(self.session.drawn), "accepted": accepted}
        with complete_file(self.folder.path / "progress.json") as partial:
            partial.write_text(json.dumps(progress), encoding="utf-8")

    def close(self) -> None:
        """Save, and let another process have it."""
        if self.folder.journal.entries:
            self.save()
        self.folder.close()

    def _apply(self, deed: Mapping[str, Any]) -> None:
        self._deeds[str(deed.get("do"))](deed)
        self._stale = set(range(len(self.session)))

    def _draw(self, deed: Mapping[str, Any]) -> None:
        masks, size = deed.get("masks"), self.session.frames.video_size
        if not isinstance(masks, dict) or not masks or not all(label.isdecimal() for label in masks):
            raise UsageError("the drawing has no masks, expected an object per label; draw something.")
        drawn = {int(label): read_runs(runs, size) > 0 for label, runs in masks.items()}
        self.session.draw(_whole(deed, "frame"), drawn)

    def _review(self, deed: Mapping[str, Any]) -> None:
        frames = deed["frames"] if isinstance(deed.get("frames"), list) else [_whole(deed, "frame")]
        for index in frames:
            self._check(index)
        self.session.review(frames, deed.get("mark"))  # type: ignore[arg-type]

    def _check(self, index: Any) -> None:
        if type(index) is not int or not 0 <= index < len(self.session):
            last = len(self.session) - 1
            raise UsageError(f"there is no frame {index!r:.40}, expected 0 to {last}; choose one of these.")

    def _tell_frame(self, index: int) -> None:
        self._told[index] = self.session.trace(index)
        self.tell("frame", self.frame(index))


def _whole(deed: Mapping[str, Any], name: str) -> int:
    value = deed.get(name)
    if type(value) is not int:
        raise UsageError(f"{name} is {value!r:.40}, expected a whole number; send it again.")
    return value
