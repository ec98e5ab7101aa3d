# SPDX-License-Identifier: Apache-2.0
"""The loop: a mask of one frame in, the masks of all frames out.

Axes: `B` videos, `T` frames, `K` objects, `C` image channels, `H W` pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

__all__ = ["MemoryNet", "RemembersFrames", "Steps", "VideoSegmenter", "follow", "propagate", "segment_clip"]

Frame = TypeVar("Frame", contravariant=True)
State = TypeVar("State")
Memory = TypeVar("Memory", bound="RemembersFrames")


class Steps(Protocol[Frame, State]):
    """What `follow` needs: a step from one frame to the next."""

    def step(self, frame: Frame, state: State) -> tuple[Tensor, State]:
        """See `VideoSegmenter.step`; what a frame is, is up to who steps."""
        ...


class VideoSegmenter(Protocol[State]):
    """What every network and every baseline of this package can do.

    All that a video accumulates (features of the reference, memory bank, frame count) lives in the state: the
    segmenter itself is not changed, so one segmenter can serve many videos at a time.
    """

    def start(self, frame: Tensor, masks: Tensor) -> State:
        """Begin a video at its reference frame.

        Args:
            frame: reference frame (B, C, H, W), intensities in [0, 1].
            masks: the reference's masks (B, K, H, W) in [0, 1], one channel per object, without background.
        """
        ...

    def step(self, frame: Tensor, state: State) -> tuple[Tensor, State]:
        """Segment the next frame.

        Args:
            frame: the next frame (B, C, H, W), of the reference's size.
            state: what `start` or the previous `step` returned.

        Returns:
            Probabilities (B, K, H, W) and the state for the frame after it. A channel whose reference mask is empty
            is zero.
        """
        ...


class RemembersFrames(Protocol):
    """What the state of a `MemoryNet` tells; `MemoryState` is one."""

    frames: int
    """Frames seen so far, the annotated one included."""

    @property
    def remembered(self) -> bool:
        """Whether the last frame was written to the memory."""
        ...

    def decide(self, key: Tensor, prob: Tensor) -> bool:
        """Whether the memory's policy would remember the frame just seen.

        Args:
            key: its keys (B, D, h, w).
            prob: its probabilities (B, K, H, W).
        """
        ...


@runtime_checkable
class MemoryNet(VideoSegmenter[Memory], Protocol[Memory]):
    """A `VideoSegmenter` with a memory, whose steps can be taken apart.

    What does not depend on the objects is computed once per frame, however many memories look at it.
    """

    def encode_frame(self, frame: Tensor) -> dict[int, Tensor]:
        """Encoder features of frames (B, C, H, W), by stage."""
        ...

    def encode_key(self, features: dict[int, Tensor]) -> Tensor:
        """Keys (B, D, h, w) of frames, from their encoder features: like places have keys that are near each other."""
        ...

    def step_from(
        self, features: dict[int, Tensor], state: Memory, *, remember: bool | None = None
    ) -> tuple[Tensor, Memory]:
        """`step` with the frame's encoder features at hand.

        Args:
            features: what `encode_frame` gave.
            state: see `step`.
            remember: write the frame to the memory; None as the memory's policy decides.
        """
        ...

    def add_support(self, frame: Tensor, masks: Tensor, state: Memory) -> Memory:
        """Let a further annotated frame tell what to look for; before any step.

        Args:
            frame: (B, C, H, W); it need not be the frame that comes next.
            masks: its masks (B, K, H, W), of the same objects; those of an object that is not there are empty.
            state: what `start` returned; it is changed.
        """
        ...

    def remember(self, features: dict[int, Tensor], masks: Tensor, state: Memory) -> None:
        """Write a frame to the memory.

        Args:
            features: what `encode_frame` gave.
            masks: masks (B, K, H, W) to remember it by.
            state: see `step`; it is changed.
        """
        ...


def follow(segmenter: Steps[Frame, State], frames: Iterable[Frame], state: State) -> Iterator[tuple[Tensor, State]]:
    """The loop: segment one frame after the other, from a state on.

    Everything that carries masks through time runs it: training, inference, sessions, live streams and adaptation. It
    holds one frame and the state. A frame is asked for when the one before it is done, so `frames` may come from a
    recording of any length, may run backward in time, and may learn or wait before it gives the next frame.

    Args:
        segmenter: any `VideoSegmenter`, or what steps like one.
        frames: the frames to visit, in order, as the segmenter takes them.
        state: what `start` returned, or what the last turn gave.

    Yields:
        Per frame the probabilities (B, K, H, W), and the state after it.
    """
    for frame in frames:
        prob, state = segmenter.step(frame, state)
        yield prob, state


def propagate(segmenter: VideoSegmenter[State], frames: Iterable[Tensor], masks: Tensor) -> Iterator[Tensor]:
    """Carry the masks of the first frame through the video, one frame at a time.

    Args:
        segmenter: any `VideoSegmenter`.
        frames: frames (B, C, H, W) in the order to visit, the annotated one first.
        masks: masks (B, K, H, W) of that first frame.

    Yields:
        Per frame the probabilities (B, K, H, W): the given masks for the first frame, then the segmenter's.

    Example::

        >>> import torch
        >>> from monai_i2v.propagation import propagate
        >>> class CopyTheFirstMask:
        ...     def start(self, frame, masks):
        ...         return masks
        ...     def step(self, frame, state):
        ...         return state, state
        >>> clip = torch.rand(5, 1, 3, 32, 32)
        >>> sum(prob.mean().item() for prob in propagate(CopyTheFirstMask(), clip, torch.ones(1, 1, 32, 32)))
        5.0
    """
    frames = iter(frames)
    state = segmenter.start(next(frames), masks)
    yield masks
    for prob, _ in follow(segmenter, frames, state):
        yield prob


def segment_clip(segmenter: VideoSegmenter[State], clip: Tensor, masks: Tensor | None = None) -> Tensor:
    """`propagate` over a clip that is at hand as a whole: the `forward` of every network that segments videos.

    Args:
        segmenter: any `VideoSegmenter`.
        clip: (B, T, C, H, W), intensities in [0, 1]; the first frame is the reference.
        masks: masks (B, K, H, W) of the first frame; one object that fills the frame when missing.

    Returns:
        Probabilities (B, T, K, H, W).
    """
    masks = torch.ones_like(clip[:, 0, :1]) if masks is None else masks
    return torch.stack(list(propagate(segmenter, clip.unbind(1), masks)), dim=1)
