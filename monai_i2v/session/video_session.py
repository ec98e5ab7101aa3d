# SPDX-License-Identifier: Apache-2.0
"""Segment a video together with a person, who may draw, correct and add objects in any frame.

Axes: `K` objects, `C` image channels, `H W` pixels of the video, `h w` pixels of the network.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.files.user_path import user_path
from monai_i2v.media import Video
from monai_i2v.session.edited_video import EditedVideo
from monai_i2v.session.history import Moment
from monai_i2v.session.one_thread import alone
from monai_i2v.session.session_file import SessionFacts, load_session, save_session, saved_size
from monai_i2v.session.session_frame import SessionFrame
from monai_i2v.session.suggestion import suggest_frames
from monai_i2v.tracking.tracker import DIRECTIONS, Direction
from monai_i2v.tracking.working_size import Size

__all__ = ["VideoSession"]


class VideoSession(EditedVideo):
    """A video, what a person drew in it, and what a network made of that.

    Draw objects in any frames with `annotate`, and iterate over `propagate`. From every annotated frame the masks are
    carried into both directions up to the next one; between two annotated frames both tracks are fused, by how sure
    the network is and by the distance in time. With a `MemoryNet`, what is drawn later also knows what was drawn before
    it, not the other way round: a correction leaves earlier tracks as they are, and only what changes is run again. A
    video that runs backward gives the same masks.

    Whatever is done can be undone and done again: drawing, forgetting, propagating, reviewing, naming. A session works
    for one thread at a time; a second one that comes meanwhile is refused. `EditedVideo` has what a person does.

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
        return self._frame(index)

    @alone
    def trace(self, index: int) -> Hashable:
        """Where what is known of a frame comes from: as long as it is the same, so are the masks."""
        return self.tracker.fusion.trace(self.labels, index), self.notes.reviews.get(index)

    @alone
    def probabilities(self, index: int) -> Tensor:
        """Probabilities (K, H, W) of all `labels` in a frame; 0 where no track has come yet."""
        return self.tracker.fusion.probabilities(self.labels, index).cpu()

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
