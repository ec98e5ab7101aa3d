# SPDX-License-Identifier: Apache-2.0
"""Segment a video together with a person, who may draw, correct and add objects in any frame.

Axes: `K` objects, `C` image channels, `H W` pixels of the video, `h w` pixels of the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.files.user_path import user_path
from monai_i2v.masks.mask_files import MAX_LABEL
from monai_i2v.media import Video, open_video
from monai_i2v.session.session_file import SessionFacts, load_session, save_session, saved_size
from monai_i2v.session.session_frame import SessionFrame
from monai_i2v.session.suggestion import suggest_frames
from monai_i2v.tracking import Tracker, WorkingFrames
from monai_i2v.tracking.drawn_masks import Drawn, checked_label_map, without_object
from monai_i2v.tracking.track import Track
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
        parameters = network.parameters() if hasattr(network, "parameters") else ()
        device = next((parameter.device for parameter in parameters), torch.device("cpu"))
        self.frames = WorkingFrames(self.video, size, device=device, crop=crop)
        self.tracker = Tracker(network, self.frames, cyclic=cyclic)
        self._before: list[tuple[Drawn, list[Track]]] = []

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
        if isinstance(label, bool) or not isinstance(label, int | np.integer) or not 1 <= label <= MAX_LABEL:
            raise UsageError(f"label is {label!r}, expected a whole number from 1 to {MAX_LABEL}; 0 is the background.")
        label = int(label)
        drawn = checked_label_map(frame, mask, self.frames) > 0
        if not drawn.any() and label not in self.labels:
            raise UsageError(f"the mask of object {label} is empty, expected the object; draw it in a frame first.")
        others = {other: old & ~drawn for other, old in self.tracker.drawn.get(frame, {}).items()}
        self._draw(frame, {**others, label: drawn})

    def remove(self, label: int) -> None:
        """Forget an object in all frames.

        Raises:
            UsageError: When there is no such object.
        """
        if label not in self.labels:
            raise UsageError(f"there is no object {label}, expected one of {self.labels}; nothing is removed.")
        self._remember()
        drawn = without_object(self.tracker.drawn, label)
        # The other objects were segmented beside it: without it, they may reach where it was.
        kept = [track for track in self.tracker.tracks if label not in track.labels and track.anchor in drawn]
        self.tracker.drawn, self.tracker.tracks = drawn, [_anew(track) for track in kept]

    def undo(self) -> None:
        """Take the last `annotate`, `add` or `remove` back, with all that followed from it.

        Raises:
            UsageError: When there is nothing to take back.
        """
        if not self._before:
            raise UsageError("there is nothing to undo, as nothing was drawn; draw a frame first.")
        self.tracker.drawn, self.tracker.tracks = self._before.pop()

    def propagate(self, direction: Direction = "both") -> Iterator[SessionFrame]:
        """Carry what was drawn through the video.

        Stop iterating whenever you like; what was found is kept, and the next call goes on.

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
        if not self.tracker.tracks:
            self._fit()
        yield from sorted(self.tracker.drawn)
        yield from self.tracker.run(direction)

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
        label_map = masks_to_labels(torch.stack(list(masks.values())), list(masks))
        return SessionFrame(index, label_map.numpy(), confidence)

    def probabilities(self, index: int) -> Tensor:
        """Probabilities (K, H, W) of all `labels` in a frame; 0 where no track has come yet."""
        return self.tracker.fusion.probabilities(self.labels, index)

    def suggest(self, count: int = 1) -> list[int]:
        """Frames that are most worth annotating: the network is unsure of them, and they are far from drawn ones.

        Args:
            count: how many.

        Returns:
            Frame indices, the most worth first; fewer when there are no more.
        """
        return suggest_frames(self.tracker.fusion, self.labels, count, cyclic=self.cyclic)

    def save(self, path: str | Path) -> None:
        """Write all that was drawn and found to one file; see `load`. The video and the network are not in it."""
        save_session(self.tracker, self._facts(), user_path(path))

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
        load_session(user_path(path), session.tracker, session._facts())
        return session

    def _fit(self) -> None:
        """Choose the size at which the network sees what was drawn."""
        nothing = np.zeros(self.frames.video_size, bool)
        drawn = [[masks.get(label, nothing) for label in self.labels] for masks in self.tracker.drawn.values()]
        self.frames.fit(np.array(drawn))

    def _facts(self) -> SessionFacts:
        frames = self.frames
        return SessionFacts(len(self), frames.video_size, frames.size, frames.region)

    def _remember(self) -> None:
        drawn = {frame: dict(masks) for frame, masks in self.tracker.drawn.items()}
        self._before.append((drawn, list(self.tracker.tracks)))

    def _draw(self, frame: int, masks: dict[int, np.ndarray]) -> None:
        self._remember()
        tracker = self.tracker
        if frame in tracker.drawn:  # what agreed with its tracks may not any more, and goes its whole way
            order = list(tracker.drawn)
            untouched = order[: order.index(frame)]  # what was drawn later knows the old masks
            tracker.tracks = [
                _anew(track)
                for track in tracker.tracks
                if track.anchor in untouched or (not tracker.network.takes_supports and track.anchor != frame)
            ]
        tracker.drawn[frame] = masks


def _anew(track: Track) -> Track:
    """A track that goes its whole way, if it ended early since it agreed with tracks that may be gone."""
    return replace(track, frames={}, state=None, settled=False, agreed=0) if track.settled else track
