# SPDX-License-Identifier: Apache-2.0
"""Passes through a video: what each knows when it begins, where it goes, and when it ends.

Axes: `K` objects, `h w` pixels of the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from monai_i2v.networks import sureness
from monai_i2v.tracking import WorkingFrames
from monai_i2v.tracking.drawn_masks import Drawn
from monai_i2v.tracking.feature_cache import FeatureCache
from monai_i2v.tracking.findings import Findings
from monai_i2v.tracking.mask_pass import MaskPass, PassFrame, ring_or_line
from monai_i2v.tracking.mask_store import MaskStore

__all__ = ["PassRunner"]

# The most frames that a pass takes over from the one before it, the last ones; a bounded memory holds about as many.
MAX_INHERITED = 32
# A pass that begins at a correction ends when it agrees with what was there before for so many frames.
AGREED_FRAMES = 3


class PassRunner:
    """Begins passes, and lets them go their way.

    A pass knows its anchor and the frames drawn before it, if they tell of all its objects: so it also finds an object
    again that is not in its anchor. It also remembers what the pass remembered that arrives at its anchor from an
    earlier drawn frame. What is drawn later does not concern it: earlier passes stay as they are.

    Args:
        cache: steps of the network.
        frames: the video's frames.
        store: masks of the passes.
        cyclic: see `VideoSession`.
    """

    def __init__(self, cache: FeatureCache, frames: WorkingFrames, store: MaskStore, *, cyclic: bool) -> None:
        self.cache, self.frames, self.store, self.cyclic = cache, frames, store, cyclic
        self.evaluations = 0  # frames that the network was asked for

    def run(self, anchor: int, direction: int, given: Drawn, passes: list[MaskPass], revision: int) -> Iterator[int]:
        """Let the pass from an annotated frame into a direction go its way; nothing happens when it has.

        Args:
            anchor: the annotated frame.
            direction: 1 with time, -1 against it.
            given: what a person drew.
            passes: all passes; a new one joins them.
            revision: which turn of work this is.

        Yields:
            The frames that it sees.
        """
        labels = self._objects(anchor, given)
        if not labels:
            return
        begun = (one for one in passes if (one.anchor, one.direction, one.labels) == (anchor, direction, labels))
        one = next(begun, None)
        if one is None:
            one = MaskPass(anchor, direction, labels, revision)
            passes.append(one)
        yield from self._follow(one, given, passes)

    def _follow(self, one: MaskPass, given: Drawn, passes: Sequence[MaskPass]) -> Iterator[int]:
        if one.settled:
            return
        if one.state is None and next(self._way(one, given), None) is not None:
            one.frames.clear()  # it was loaded: a network's state is not in the file
        earlier = [other for other in passes if other.revision < one.revision]
        before, own = (Findings(given, some, self.store, self.frames) for some in (earlier, [one]))
        unknown = self._unknown(one, given, earlier)
        for frame in self._way(one, given):
            if one.state is None:
                one.state = self._begin(one, given, passes)
            prob, one.state, remembered = self.cache.step(frame, one.state)
            self.evaluations += 1
            sure = tuple(sureness(prob)[0].tolist())
            one.frames[frame] = PassFrame(len(one.frames) + 1, self.store.write(prob[0]), sure, remembered)
            one.agreed = one.agreed + 1 if earlier and own.agrees(before, one.labels, frame) else 0
            unknown.discard(frame)
            one.settled = one.agreed >= AGREED_FRAMES and not unknown
            yield frame
            if one.settled:
                return

    def _unknown(self, one: MaskPass, given: Drawn, earlier: Sequence[MaskPass]) -> set[int]:
        """Frames that a pass has still to see, of which earlier passes do not tell all; one may have been stopped."""
        told = [set().union(*(other.frames for other in earlier if label in other.labels)) for label in one.labels]
        return {frame for frame in self._way(one, given) if not all(frame in frames for frames in told)}

    def _objects(self, anchor: int, given: Drawn) -> tuple[int, ...]:
        """Labels of what a pass from an annotated frame follows: what is in that frame, or in one that it knows."""
        frames = [anchor, *self._supports(anchor, given)]
        return tuple(label for label in sorted(given[anchor]) if any(given[frame][label].any() for frame in frames))

    def _way(self, one: MaskPass, given: Drawn) -> Iterator[int]:
        """Frames that a pass has still to see: up to where each of its objects has been drawn again."""
        left = set(one.labels)
        for frame in ring_or_line(one.anchor, one.direction, len(self.frames), cyclic=self.cyclic):
            left -= set(self._objects(frame, given)) if frame in given else set()
            if not left:
                return
            if frame not in one.frames:
                yield frame

    @torch.no_grad()
    def _begin(self, one: MaskPass, given: Drawn, passes: Sequence[MaskPass]) -> Any:
        """The network's state at the anchor."""
        network = self.cache.network
        state = network.start(self.frames[one.anchor], self._masks(one.anchor, one.labels, given))
        supports = self._supports(one.anchor, given)
        for frame in supports:
            state = network.add_support(self.frames[frame], self._masks(frame, one.labels, given), state)
        inherited = self._inherited(one, given, passes)[-MAX_INHERITED:]
        for former, frame in inherited:
            prob = self.store.read(former.frames[frame].masks).unsqueeze(0).to(self.frames.device)
            network.remember(self.cache.features_of(frame), prob, state)
        self.evaluations += 1 + len(supports) + len(inherited)
        return state

    def _supports(self, anchor: int, given: Drawn) -> list[int]:
        """Frames drawn before an annotated one that tell of all its objects."""
        if not self.cache.takes_supports:
            return []
        order = list(given)
        before = order[: order.index(anchor)]
        return [frame for frame in before if given[anchor].keys() <= given[frame].keys()]

    def _inherited(self, one: MaskPass, given: Drawn, passes: Sequence[MaskPass]) -> list[tuple[MaskPass, int]]:
        """Passes and frames whose masks are remembered, in their order."""
        if not self.cache.takes_apart:
            return []
        known = self._supports(one.anchor, given)
        ways = {
            id(other): self._between(other, one.anchor)
            for other in passes
            if other.anchor in known and (other.direction, other.labels) == (one.direction, one.labels)
        }
        arriving = [
            other
            for other in passes
            if id(other) in ways and ways[id(other)] and all(frame in other.frames for frame in ways[id(other)])
        ]
        if not arriving:
            return []
        nearest = min(arriving, key=lambda other: len(ways[id(other)]))
        own = [(nearest, frame) for frame in ways[id(nearest)] if nearest.frames[frame].remembered]
        return self._inherited(nearest, given, passes) + own

    def _between(self, one: MaskPass, end: int) -> list[int]:
        """Frames between a pass' anchor and another frame, in the order of the pass; none if it never gets there."""
        way = list(ring_or_line(one.anchor, one.direction, len(self.frames), cyclic=self.cyclic))
        return way[: way.index(end)] if end in way else []

    def _masks(self, frame: int, labels: Sequence[int], given: Drawn) -> Tensor:
        drawn = np.stack([given[frame][label] for label in labels])
        return self.frames.resize_masks(torch.from_numpy(drawn).float())
