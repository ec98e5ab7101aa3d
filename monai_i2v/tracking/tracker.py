# SPDX-License-Identifier: Apache-2.0
"""Carries what was drawn through a video: the one engine of inference, sessions and evaluation.

Axes: `K` objects, `H W` pixels of the video, `h w` pixels of the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from monai_i2v.compute import Download
from monai_i2v.memory import mask_confidence
from monai_i2v.propagation import follow
from monai_i2v.tracking.drawn_masks import Drawn
from monai_i2v.tracking.fusion import Fusion
from monai_i2v.tracking.mask_store import MaskStore, in_steps
from monai_i2v.tracking.shared_features import MAX_BYTES, SharedFeatures
from monai_i2v.tracking.track import Track, TrackedFrame, ring_or_line
from monai_i2v.tracking.working_frames import WorkingFrames

__all__ = ["DIRECTIONS", "Direction", "Tracker"]

Direction: TypeAlias = Literal["forward", "backward", "both"]
DIRECTIONS: dict[str, tuple[int, ...]] = {"forward": (1,), "backward": (-1,), "both": (1, -1)}

# The most frames that a track takes over from the one before it, the last ones; a bounded memory holds about as many.
MAX_INHERITED = 32
# A track that begins at a correction ends when it agrees with what was there before for so many frames.
AGREED_FRAMES = 3


class Tracker:
    """What was drawn in some frames of a video, and the tracks that a network makes of it.

    From every drawn frame one track goes into each direction, up to where all of its objects were drawn again; between
    two drawn frames the tracks from both sides are fused. One drawn frame is the simplest case of several.

    A track knows its anchor and the frames drawn before it, if they tell of all its objects: so it also finds an
    object again that is not in its anchor. It also remembers what the track remembered that arrives at its anchor from
    an earlier drawn frame. What is drawn later does not concern it: earlier tracks stay as they are.

    Args:
        network: any `VideoSegmenter`, in evaluation mode; it stays as it is.
        frames: the video's frames.
        cyclic: after the last frame comes the first.
        dtype: the precision to compute in.
        share: keep the features of frames that several tracks see.

    Example::

        >>> import numpy as np, torch
        >>> from monai_i2v.tracking import Tracker, WorkingFrames
        >>> class CopyTheFirstMask:
        ...     def start(self, frame, masks):
        ...         return masks
        ...     def step(self, frame, state):
        ...         return state, state
        >>> tracker = Tracker(CopyTheFirstMask(), WorkingFrames([torch.rand(3, 32, 32)] * 5, None))
        >>> tracker.drawn[2] = {7: np.ones((32, 32), bool)}
        >>> [(frame, prob.mean().item()) for frame, prob in tracker.stream()]
        [(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)]
    """

    def __init__(
        self,
        network: Any,
        frames: WorkingFrames,
        *,
        cyclic: bool = False,
        dtype: torch.dtype = torch.float32,
        share: bool = True,
    ) -> None:
        self.frames, self.cyclic = frames, cyclic
        self.network = SharedFeatures(network, frames, dtype=dtype, max_bytes=MAX_BYTES if share else 0)
        self.store = MaskStore()
        self.drawn: Drawn = {}
        self.tracks: list[Track] = []
        self.revision = 0

    @property
    def labels(self) -> list[int]:
        """The objects, ascending."""
        return sorted({label for masks in self.drawn.values() for label in masks})

    @property
    def fusion(self) -> Fusion:
        """What is known of all frames."""
        return Fusion(self.drawn, self.tracks, self.store, self.frames)

    def run(self, direction: Direction = "both") -> Iterator[int]:
        """Carry what was drawn through the video, and keep what is found; the next call goes on where this one ended.

        Yields:
            The frames that are seen; with several drawn frames one may come twice.
        """
        self.revision += 1
        for towards in DIRECTIONS[direction]:
            for anchor in sorted(self.drawn)[::towards]:
                yield from self._complete(anchor, towards)

    def stream(self) -> Iterator[tuple[int, Tensor]]:
        """Carry what was drawn through the whole video, once, and give the frames in the order of time.

        Memory does not grow with the video: tracks against time are kept on disk until their frames' turn comes.

        Yields:
            Frame index and probabilities (K, H, W) of all `labels`; what was drawn where it was drawn.
        """
        self.revision += 1
        anchors = sorted(self.drawn)
        for anchor in reversed(anchors):
            for _ in self._complete(anchor, -1):
                pass
        for frame in range(anchors[0] + 1):
            yield frame, self.fusion.probabilities(self.labels, frame)
        if len(anchors) == 1:
            yield from self._stream_on(anchors[0])
            return
        for anchor, end in zip(anchors, [*anchors[1:], len(self.frames) - 1], strict=True):
            for frame in self._up_to(end, anchor + 1, self._complete(anchor, 1)):
                yield frame, self.fusion.probabilities(self.labels, frame)

    @staticmethod
    def _up_to(end: int, start: int, seen: Iterator[int]) -> Iterator[int]:
        """The frames from `start` to `end`, each as soon as it is seen, if it ever is."""
        for frame in seen:
            if frame <= end:
                yield from range(start, frame + 1)
                start = frame + 1
        yield from range(start, end + 1)

    def _stream_on(self, anchor: int) -> Iterator[tuple[int, Tensor]]:
        """The last track of a stream: nobody asks for its frames again, so they are not kept."""
        track, labels = Track(anchor, 1, self._objects(anchor), self.revision), self.labels
        if not track.labels:
            nothing = torch.zeros(len(labels), *self.frames.video_size, device=self.frames.device)
            yield from ((frame, nothing) for frame in range(anchor + 1, len(self.frames)))
            return
        places = torch.tensor([labels.index(label) for label in track.labels], device=self.frames.device)
        for frame, prob in self._carry(track):
            full = self.frames.restore(in_steps(prob))[0]
            if len(track.labels) < len(labels):  # some are not in the drawn frame
                full = full.new_zeros(len(labels), *full.shape[1:]).index_copy_(0, places, full)
            yield frame, full

    def _complete(self, anchor: int, direction: int) -> Iterator[int]:
        """Let the track from a drawn frame into a direction go all its way, and keep what it finds."""
        labels = self._objects(anchor)
        if not labels:
            return
        begun = (
            track
            for track in self.tracks
            if (track.anchor, track.direction, track.labels) == (anchor, direction, labels)
        )
        track = next(begun, None)
        if track is None:
            track = Track(anchor, direction, labels, self.revision)
            self.tracks.append(track)
        yield from self._keep(track)

    def _keep(self, track: Track) -> Iterator[int]:
        if track.settled:
            return
        earlier = [other for other in self.tracks if other.revision < track.revision]
        known_before, own = (Fusion(self.drawn, some, self.store, self.frames) for some in (earlier, [track]))
        unknown = self._unknown(track, earlier)
        for frame, prob in self._carry(track):
            confidence, masks = Download(mask_confidence(prob)[0], prob[0]).wait()
            remembered = bool(getattr(track.state, "remembered", False))
            distance, place = len(track.frames) + 1, self.store.write(masks)
            track.frames[frame] = TrackedFrame(distance, place, tuple(confidence.tolist()), remembered)
            track.agreed = track.agreed + 1 if earlier and own.agrees(known_before, track.labels, frame) else 0
            unknown.discard(frame)
            track.settled = track.agreed >= AGREED_FRAMES and not unknown
            yield frame
            if track.settled:
                return

    def _carry(self, track: Track) -> Iterator[tuple[int, Tensor]]:
        """The frames that a track has still to see, with their probabilities (1, K, h, w)."""
        frames = list(self._remaining_frames(track))
        if not frames:
            return
        if track.state is None:
            if not self.network.has_memory:  # of a track that was loaded nothing tells how it went on
                track.frames.clear()
                frames = list(self._remaining_frames(track))
            track.state = self._begin(track)
        for frame, (prob, state) in zip(frames, follow(self.network, frames, track.state), strict=True):
            track.state = state
            yield frame, prob

    def _unknown(self, track: Track, earlier: Sequence[Track]) -> set[int]:
        """Frames that a track has still to see, of which earlier ones do not tell all; one may have been stopped."""
        told = [set().union(*(other.frames for other in earlier if label in other.labels)) for label in track.labels]
        return {frame for frame in self._remaining_frames(track) if not all(frame in frames for frames in told)}

    def _objects(self, anchor: int) -> tuple[int, ...]:
        """What a track from a drawn frame follows: the objects in that frame, or in one that it knows."""
        frames = [anchor, *self._supports(anchor)]
        return tuple(
            label for label in sorted(self.drawn[anchor]) if any(self.drawn[frame][label].any() for frame in frames)
        )

    def _remaining_frames(self, track: Track) -> Iterator[int]:
        """Frames that a track has still to see: up to where each of its objects has been drawn again."""
        left = set(track.labels)
        for frame in ring_or_line(track.anchor, track.direction, len(self.frames), cyclic=self.cyclic):
            left -= set(self._objects(frame)) if frame in self.drawn else set()
            if not left:
                return
            if frame not in track.frames:
                yield frame

    def _begin(self, track: Track) -> Any:
        """The network's state at the anchor; of a track that was loaded, where it ended."""
        state = self.network.start(track.anchor, self._masks(track.anchor, track.labels))
        for frame in self._supports(track.anchor):
            state = self.network.add_support(frame, self._masks(frame, track.labels), state)
        for former, frame in (*self._inherited(track)[-MAX_INHERITED:], *_remembered(track, list(track.frames))):
            prob = self.store.read(former.frames[frame].masks).unsqueeze(0).to(self.frames.device)
            self.network.remember(frame, prob, state)
        if track.frames:
            state.frames += len(track.frames)
        return state

    def _supports(self, anchor: int) -> list[int]:
        """Frames drawn before another one that tell of all its objects."""
        if not self.network.takes_supports:
            return []
        order = list(self.drawn)
        before = order[: order.index(anchor)]
        return [frame for frame in before if self.drawn[anchor].keys() <= self.drawn[frame].keys()]

    def _inherited(self, track: Track) -> list[tuple[Track, int]]:
        """Tracks and frames whose masks are remembered, in their order."""
        if not self.network.has_memory:
            return []
        known = self._supports(track.anchor)
        between = {
            id(other): self._between(other, track.anchor)
            for other in self.tracks
            if other.anchor in known and (other.direction, other.labels) == (track.direction, track.labels)
        }
        arriving = [
            other
            for other in self.tracks
            if between.get(id(other)) and all(frame in other.frames for frame in between[id(other)])
        ]
        if not arriving:
            return []
        nearest = min(arriving, key=lambda other: len(between[id(other)]))
        return self._inherited(nearest) + _remembered(nearest, between[id(nearest)])

    def _between(self, track: Track, end: int) -> list[int]:
        """Frames between a track's anchor and another frame, in its order; none if it never gets there."""
        frames = list(ring_or_line(track.anchor, track.direction, len(self.frames), cyclic=self.cyclic))
        return frames[: frames.index(end)] if end in frames else []

    def _masks(self, frame: int, labels: Sequence[int]) -> Tensor:
        drawn = np.stack([self.drawn[frame][label] for label in labels])
        return self.frames.resize_masks(torch.from_numpy(drawn).float())


def _remembered(track: Track, frames: Sequence[int]) -> list[tuple[Track, int]]:
    return [(track, frame) for frame in frames if track.frames[frame].remembered]
