# SPDX-License-Identifier: Apache-2.0
"""A video that a person works with: what was drawn in it and said of it, all of which can be taken back.

Axes: `C` image channels, `H W` pixels of the video.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor

from monai_i2v.compute import device_of
from monai_i2v.errors import UsageError
from monai_i2v.masks.palette import label_colors
from monai_i2v.media import Video, open_video
from monai_i2v.session.drawing import drawn_over, forget_frame, forget_object, replace_frame
from monai_i2v.session.history import History, Moment
from monai_i2v.session.notes import Color, Notes, checked_color, checked_name
from monai_i2v.session.one_thread import Turn, alone
from monai_i2v.session.session_frame import SessionFrame, frame_of
from monai_i2v.tracking import Tracker, WorkingFrames
from monai_i2v.tracking.drawn_masks import Drawn, checked_label_map
from monai_i2v.tracking.working_size import Size

__all__ = ["EditedVideo"]


class EditedVideo:
    """What a person does in a `VideoSession`: draw, forget, review, name, undo.

    Args:
        network: as of `VideoSession`, and so are the others.
        video: a path, a `Video`, or frames (C, H, W) in [0, 1].
        size: short side of the frames that the network sees, px.
        cyclic: after the last frame comes the first.
        crop: show the network only the calibrated region.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.phantoms import Phantom
        >>> from monai_i2v.session import EditedVideo
        >>> edited = EditedVideo(None, Phantom(length=4, size=(32, 32)), size=None)  # no network is asked
        >>> edited.add(2, 5, np.ones((32, 32), bool))
        >>> edited.undo()
        >>> edited.labels
        []
    """

    def __init__(
        self,
        network: Any,
        video: str | Path | Video | Sequence[Tensor],
        *,
        size: Size = "auto",
        cyclic: bool = False,
        crop: bool = False,
    ) -> None:
        self.video = open_video(video) if isinstance(video, str | Path) else video
        self.network = network
        self.frames = WorkingFrames(self.video, size, device=device_of(network), crop=crop)
        self.tracker = Tracker(network, self.frames, cyclic=cyclic)
        self.notes = Notes()
        self.history = History()
        self.turn = Turn()
        self._era = object()  # another one after every change that is not the network's

    @property
    def cyclic(self) -> bool:
        """Whether after the last frame comes the first."""
        return self.tracker.cyclic

    @property
    def evaluations(self) -> int:
        """Frames that the network was asked for."""
        return self.tracker.network.evaluations

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def labels(self) -> list[int]:
        """Objects of the session, ascending."""
        return self.tracker.labels

    @property
    def drawn(self) -> Drawn:
        """What a person drew: masks (H, W), bool, by frame and label."""
        return self.tracker.drawn

    @property
    def names(self) -> dict[int, str]:
        """Names of the objects; see `describe`."""
        return {label: self.notes.names.get(label, f"object {label}") for label in self.labels}

    @property
    def colors(self) -> dict[int, Color]:
        """Colors of the objects; see `describe`."""
        return {label: self.notes.colors.get(label, color) for label, color in label_colors(self.labels).items()}

    @alone
    def annotate(self, frame: int, label_map: np.ndarray) -> None:
        """Draw a whole frame; what was drawn there before is replaced.

        Objects of the session that the frame does not show are absent there.

        Args:
            frame: its index.
            label_map: (H, W), whole numbers; 0 is background.

        Raises:
            UsageError: When there is no such frame, or the label map is empty, of another size, no label map, or
                reaches out of the region that `crop` shows the network.
        """
        label_map = checked_label_map(frame, label_map, self.frames)
        labels = {int(label) for label in np.unique(label_map) if label > 0} | set(self.labels)
        if not labels:
            raise UsageError(f"the mask of frame {frame} is empty, expected an object; draw one first.")
        self._remember()
        replace_frame(self.tracker, frame, {label: label_map == label for label in sorted(labels)})

    def add(self, frame: int, label: int, mask: np.ndarray) -> None:
        """Draw one object in a frame, and leave the others there as they are.

        Args:
            frame: its index.
            label: the object's label, from 1; a new one is a new object.
            mask: (H, W), bool or whole numbers, of which all but 0 are the object; empty when it is not in the frame.

        Raises:
            UsageError: As `annotate`.
        """
        self.draw(frame, {label: mask})

    @alone
    def draw(self, frame: int, masks: Mapping[int, np.ndarray]) -> None:
        """Draw some objects in a frame in one step, and leave the others there as they are.

        Args:
            frame: its index.
            masks: as of `add`, by label; where they overlap, the later one counts.

        Raises:
            UsageError: As `annotate`.
        """
        drawn = drawn_over(self.tracker, frame, masks)
        self._remember()
        replace_frame(self.tracker, frame, drawn)

    @alone
    def forget(self, frame: int) -> None:
        """Forget what was drawn in a frame; the masks there are then what is found from other frames.

        Raises:
            UsageError: When nothing was drawn there.
        """
        if frame not in self.tracker.drawn:
            raise UsageError(
                f"nothing was drawn in frame {frame}, expected one of {list(self.tracker.drawn)}; none changes."
            )
        self._remember()
        forget_frame(self.tracker, frame)

    @alone
    def remove(self, label: int) -> None:
        """Forget an object in all frames.

        Raises:
            UsageError: When there is no such object.
        """
        if label not in self.labels:
            raise UsageError(f"there is no object {label}, expected one of {self.labels}; nothing is removed.")
        self._remember()
        forget_object(self.tracker, label)

    @alone
    def review(self, frame: int | Sequence[int], mark: Literal["accepted", "rejected", ""]) -> None:
        """Say whether the masks of a frame are good; the mark counts as long as they stay as they are.

        Args:
            frame: its index; or several, in one step.
            mark: the verdict; empty to take it back.

        Raises:
            IndexError: When there is no such frame.
            UsageError: When there is no such mark.
        """
        notes = self.notes.copy()
        for index in [frame] if isinstance(frame, int) else frame:
            notes.review(index, mark, self._frame(index).label_map)
        self._remember()
        self.notes = notes

    @alone
    def describe(self, label: int, *, name: str | None = None, color: Sequence[int] | None = None) -> None:
        """Give an object a name, or a color, red, green and blue in [0, 255].

        Raises:
            UsageError: When there is no such object, or it cannot be called or painted so.
        """
        if label not in self.labels:
            raise UsageError(f"there is no object {label}, expected one of {self.labels}; draw it first.")
        notes = self.notes.copy()
        notes.names |= {} if name is None else {label: checked_name(name)}
        notes.colors |= {} if color is None else {label: checked_color(color)}
        self._remember()
        self.notes = notes

    @alone
    def undo(self) -> None:
        """Take back the last step: what was drawn, forgotten, reviewed or named, or what `propagate` found.

        Raises:
            UsageError: When there is nothing to take back.
        """
        self._become(self.history.undo(self._moment()))

    @alone
    def redo(self) -> None:
        """Do again what `undo` took back last.

        Raises:
            UsageError: When there is nothing of that kind.
        """
        self._become(self.history.redo(self._moment()))

    def _frame(self, index: int) -> SessionFrame:
        if not 0 <= index < len(self):
            raise IndexError(f"frame is {index}, expected 0 to {len(self) - 1}; the video has {len(self)} frames.")
        return frame_of(self.tracker, self.notes, index)

    def _moment(self) -> Moment:
        return Moment.of(self.tracker.drawn, self.tracker.tracks, self.notes)

    def _become(self, moment: Moment) -> None:
        self.tracker.drawn, self.tracker.tracks, self.notes = moment.drawn, moment.tracks, moment.notes
        self._era = object()

    def _remember(self) -> None:
        self.history.remember(self._moment())
        self._era = object()
