# SPDX-License-Identifier: Apache-2.0
"""Segment a video together with a person, who may draw, correct and add objects in any frame.

Axes: `K` objects, `C` image channels, `H W` pixels of the video, `h w` pixels of the network.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from monai_i2v.compute import device_of
from monai_i2v.errors import UsageError
from monai_i2v.files.user_path import user_path
from monai_i2v.masks.mask_files import MAX_LABEL
from monai_i2v.masks.palette import label_colors
from monai_i2v.media import Video, open_video
from monai_i2v.session.history import History, Moment
from monai_i2v.session.notes import Color, Notes, checked_color, checked_name
from monai_i2v.session.one_thread import Turn, alone
from monai_i2v.session.session_file import SessionFacts, load_session, save_session, saved_size
from monai_i2v.session.session_frame import SessionFrame
from monai_i2v.session.suggestion import suggest_frames
from monai_i2v.tracking import Tracker, WorkingFrames
from monai_i2v.tracking.drawn_masks import Drawn, checked_label_map, without_object
from monai_i2v.tracking.standing_tracks import tracks_without_frame, tracks_without_object
from monai_i2v.tracking.tracker import DIRECTIONS, Direction
from monai_i2v.tracking.working_size import Size
from monai_i2v.transforms import masks_to_labels

__all__ = ["VideoSession"]


class VideoSession:
    """A video, what a person drew in it, and what a network made of that.

    Draw objects in any frames with `annotate`, and iterate over `propagate`. From every annotated frame the masks are
    carried into both directions up to the next one; between two annotated frames both tracks are fused, by how sure
    the network is and by the distance in time. With a `MemoryNet`, what is drawn later also knows what was drawn before
    it, not the other way round: a correction leaves earlier tracks as they are, and only what changes is run again. A
    video that runs backward gives the same masks.

    Whatever is done can be undone and done again: drawing, forgetting, propagating, reviewing, naming. A session works
    for one thread at a time; a second one that comes meanwhile is refused.

    Args:
        network: any `VideoSegmenter`, in evaluation mode; it stays as it is, and may serve other sessions.
        video: a path, a `Video`, or frames (C, H, W) in [0, 1].
        size: short side of the frames that the network sees, px; None keeps the video's size; ``"auto"`` takes 256, or
            more where what was drawn before the first masks are carried is too small for it.
        cyclic: after the last frame comes the first, as in a recording of one heart beat.
        crop: show the network only the calibrated region of an ultrasound recording, see `PropagationInferer`.

    Example::

        >>> import numpy as np, torch
        >>> from monai_i2v.phantoms import Phantom
        >>> from monai_i2v.networks import MobileNetV2Encoder, SlimMaskEncoder, TemporalContrastiveMemoryNet
        >>> from monai_i2v.session import VideoSession
        >>> net = TemporalContrastiveMemoryNet(
        ...     MobileNetV2Encoder(last_stage=16), SlimMaskEncoder(64), value_channels=128, widths=(128, 64, 32)
        ... ).eval()
        >>> phantom = Phantom(length=4, size=(64, 64))
        >>> session = VideoSession(net, phantom, size=64)
        >>> session.annotate(1, phantom.label_map(1))
        >>> [frame.index for frame in session.propagate()]
        [1, 2, 3, 0]
        >>> session[1].confidence
        {1: 1.0}
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
        self._draw(frame, {label: label_map == label for label in sorted(labels)})

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
        drawn: dict[int, np.ndarray] = dict(self.tracker.drawn.get(frame, {}))
        for label, mask in masks.items():
            label, mask = self._checked(frame, label, mask)
            drawn = {**{other: old & ~mask for other, old in drawn.items()}, label: mask}
        self._draw(frame, drawn)

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
        self._end_tracks_that_know(frame)
        gone = {label for label, mask in self.tracker.drawn.pop(frame).items() if mask.any()}
        seen = {label for masks in self.tracker.drawn.values() for label, mask in masks.items() if mask.any()}
        for label in gone - seen:
            self._without(label)

    @alone
    def remove(self, label: int) -> None:
        """Forget an object in all frames.

        Raises:
            UsageError: When there is no such object.
        """
        if label not in self.labels:
            raise UsageError(f"there is no object {label}, expected one of {self.labels}; nothing is removed.")
        self._remember()
        self._without(label)

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
            notes.review(index, mark, self[index].label_map)
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

    def propagate(self, direction: Direction = "both") -> Iterator[SessionFrame]:
        """Carry what was drawn through the video.

        Stop iterating whenever you like; what was found is kept, and the next call goes on. Drawing something meanwhile
        ends it.

        Args:
            direction: with time, against it, or both.

        Yields:
            The annotated frames, then the others as they change. With several annotated frames a frame may come twice:
            the later one counts.

        Raises:
            UsageError: When nothing was drawn, or the direction is none of these.
        """
        return (self[frame] for frame in self.carry(direction))

    def carry(self, direction: Direction = "both") -> Iterator[int]:
        """As `propagate`, but only the indices of the frames: cheaper for who looks at the masks later.

        Raises:
            UsageError: As `propagate`.
        """
        if direction not in DIRECTIONS:
            raise UsageError(f"direction is {direction!r}, expected one of {', '.join(DIRECTIONS)}; use 'both'.")
        if not self.tracker.drawn:
            raise UsageError("no frame was annotated, expected one at least; call annotate() first.")
        return self._one_by_one(self._carry(direction))

    def _one_by_one(self, steps: Iterator[int]) -> Iterator[int]:
        while (frame := self._next(steps)) is not None:
            yield frame

    @alone
    def _next(self, steps: Iterator[int]) -> int | None:
        return next(steps, None)

    def _carry(self, direction: Direction) -> Iterator[int]:
        era, evaluations = self._era, self.evaluations
        begun: Moment | None = self._moment()
        if not self.tracker.tracks:
            self._fit()
        yield from sorted(self.tracker.drawn)
        for frame in self.tracker.run(direction):
            if begun is not None and evaluations != self.evaluations:
                self.history.remember(begun)
                begun = None
            yield frame
            if self._era is not era:  # it was about what is no more
                return

    @alone
    def __getitem__(self, index: int) -> SessionFrame:
        """What is known of a frame; objects that no track has reached yet are not in it.

        Raises:
            IndexError: When there is no such frame.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"frame is {index}, expected 0 to {len(self) - 1}; the video has {len(self)} frames.")
        fusion = self.tracker.fusion
        masks = fusion.masks(self.labels, index)
        confidence = {label: fusion.confidence(label, index) for label in masks}
        if not masks:
            return SessionFrame(index, np.zeros(self.frames.video_size, np.int32), confidence)
        label_map = masks_to_labels(torch.stack(list(masks.values())), list(masks)).numpy()
        return SessionFrame(index, label_map, confidence, self.notes.mark(index, label_map))

    @alone
    def trace(self, index: int) -> Hashable:
        """Where what is known of a frame comes from: as long as it is the same, so are the masks."""
        return self.tracker.fusion.trace(self.labels, index), self.notes.reviews.get(index)

    @alone
    def probabilities(self, index: int) -> Tensor:
        """Probabilities (K, H, W) of all `labels` in a frame; 0 where no track has come yet."""
        return self.tracker.fusion.probabilities(self.labels, index)

    @alone
    def suggest(self, count: int = 1) -> list[int]:
        """Frames that are most worth annotating: the network is unsure of them, and they are far from drawn ones.

        Args:
            count: how many.

        Returns:
            Frame indices, the most worth first; fewer when there are no more.
        """
        return suggest_frames(self.tracker.fusion, self.labels, count, cyclic=self.cyclic)

    @alone
    def save(self, path: str | Path) -> None:
        """Write all that was drawn and found to one file; see `load`. The video and the network are not in it."""
        save_session(self.tracker, self.notes, self._facts(), user_path(path))

    @classmethod
    def load(
        cls,
        path: str | Path,
        network: Any,
        video: str | Path | Video | Sequence[Tensor],
        *,
        size: Size = "auto",
        crop: bool = False,
    ) -> VideoSession:
        """Go on where `save` left off; what can be undone begins anew.

        Args:
            path: the file.
            network: as for a new session; it should be the one of the saved session.
            video: the saved session's video.
            size: the saved session's size.
            crop: the saved session's crop.

        Raises:
            UsageError: When the file is no session, or that of another video.
        """
        session = cls(network, video, size=size, crop=crop)
        if size == "auto":
            session.frames.fit_to(saved_size(user_path(path)))
        session.notes = load_session(user_path(path), session.tracker, session._facts())
        return session

    def _fit(self) -> None:
        """Choose the size at which the network sees what was drawn."""
        nothing = np.zeros(self.frames.video_size, bool)
        drawn = [[masks.get(label, nothing) for label in self.labels] for masks in self.tracker.drawn.values()]
        self.frames.fit(np.array(drawn))

    def _facts(self) -> SessionFacts:
        frames = self.frames
        return SessionFacts(len(self), frames.video_size, frames.size, frames.region)

    def _moment(self) -> Moment:
        return Moment.of(self.tracker.drawn, self.tracker.tracks, self.notes)

    def _become(self, moment: Moment) -> None:
        self.tracker.drawn, self.tracker.tracks, self.notes = moment.drawn, moment.tracks, moment.notes
        self._era = object()

    def _remember(self) -> None:
        self.history.remember(self._moment())
        self._era = object()

    def _checked(self, frame: int, label: int, mask: np.ndarray) -> tuple[int, np.ndarray]:
        if isinstance(label, bool) or not isinstance(label, int | np.integer) or not 1 <= label <= MAX_LABEL:
            raise UsageError(f"label is {label!r}, expected a whole number from 1 to {MAX_LABEL}; 0 is the background.")
        drawn = checked_label_map(frame, mask, self.frames) > 0
        if not drawn.any() and label not in self.labels:
            raise UsageError(f"the mask of object {label} is empty, expected the object; draw it in a frame first.")
        return int(label), drawn

    def _draw(self, frame: int, masks: dict[int, np.ndarray]) -> None:
        self._remember()
        if frame in self.tracker.drawn:
            self._end_tracks_that_know(frame)
        self.tracker.drawn[frame] = masks

    def _end_tracks_that_know(self, frame: int) -> None:
        supports, tracker = self.tracker.network.takes_supports, self.tracker
        tracker.tracks = tracks_without_frame(tracker.tracks, tracker.drawn, frame, supports=supports)

    def _without(self, label: int) -> None:
        self.tracker.drawn = without_object(self.tracker.drawn, label)
        self.tracker.tracks = tracks_without_object(self.tracker.tracks, self.tracker.drawn, label)
