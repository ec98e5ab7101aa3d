# SPDX-License-Identifier: Apache-2.0
"""What all networks share that match a frame with what they remember of a video.

Axes: `B` videos, `T` frames, `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `h w` features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.aggregation import occurring_classes, soft_aggregate
from monai_i2v.networks.encoder import Encoder
from monai_i2v.propagation import follow, segment_clip

__all__ = ["ClipPrediction", "MatchingNet", "MatchingState", "on_grid"]

GRID = 16
"""The grid on which the networks work, px; frames are padded to it and logits cropped back."""

NOTHING = torch.zeros(())
FRAME = 1
"""Stride under which a method finds the padded frame itself among its features."""


class ClipPrediction(NamedTuple):
    """What a network says about a clip in training."""

    prob: Tensor  # (B, T, K, H, W); the first frame's are the given masks
    values: Tensor  # (B, K, frames, h * w, V), of the remembered frames in their order; empty if a method has none
    further: Tensor = NOTHING  # scalar, what the method learns from beside them


@dataclass(kw_only=True)
class MatchingState:
    """What a video has accumulated; a method adds what is its own."""

    present: Tensor  # (B, 1 + K, 1, 1), see `occurring_classes`
    size: torch.Size  # H, W
    frames: int = 1  # seen so far, the annotated one included
    remembered: bool = True  # whether the last frame was written to the memory
    trace: dict[str, Any] = field(default_factory=dict)  # see `MatchingNet.traced`; empty between frames

    def check_size(self, frame: Tensor) -> None:
        """Compare a frame (B, C, H, W) with the first one.

        Raises:
            ValueError: When its size is another.
        """
        if frame.shape[-2:] != self.size:
            height, width = self.size
            raise ValueError(
                f"frame {self.frames} is {frame.shape[-1]}x{frame.shape[-2]} px, but the video began with "
                f"{width}x{height} px; resize the frame, or start again with a mask of its size."
            )


StateT = TypeVar("StateT", bound=MatchingState)
Features = Mapping[int, Tensor]


class MatchingNet(nn.Module, ABC, Generic[StateT]):
    """Segment a frame by what is remembered of earlier ones.

    A method says what it keeps of the annotated frame (`begin`), what it makes of a frame (`look`), and how it keeps
    that (`remember`); where something changes at every frame, `see`; where it learns from more than its masks,
    `further_loss`. The loop, padding and cropping, objects that are absent and those that compete are here.

    In training all frames are remembered, so that the second prediction teaches the first.

    Args:
        encoder: image encoder with stages 4, 8 and 16.
        every: every how many frames one is remembered; None remembers only what was drawn.

    Raises:
        ValueError: When the encoder lacks a stage.

    Example::

        >>> import torch
        >>> from monai_i2v.networks.vos import light_network
        >>> net, masks = light_network("aot").eval(), torch.zeros(1, 2, 64, 64)
        >>> masks[:, 0, :32], masks[:, 1, 32:] = 1, 1
        >>> net(torch.rand(1, 3, 3, 64, 64), masks).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    keeps_frame: ClassVar[bool] = False
    """Whether a method needs the frame itself, as ``features[1]``."""

    def __init__(self, encoder: Encoder, *, every: int | None = 5) -> None:
        super().__init__()
        self.encoder = encoder
        self.every = every
        if not {4, 8, 16} <= set(encoder.channels):
            raise ValueError(f"the encoder has stages {tuple(encoder.channels)}, but 4, 8 and 16 are needed.")

    @abstractmethod
    def begin(self, features: Features, masks: Tensor, present: Tensor) -> StateT:
        """The memory of a video of which only the reference was seen.

        Args:
            features: what `encode_frame` gave.
            masks: the reference's masks (B, K, H, W).
            present: see `MatchingState`.
        """

    @abstractmethod
    def look(self, features: Features, state: StateT) -> Tensor:
        """Foreground logits (B, K, H', W') of a frame, on the padded grid. It only reads the state."""

    @abstractmethod
    def remember(self, features: Features, masks: Tensor, state: StateT) -> None:
        """Write a frame to the memory; see `MemoryNet.remember`."""

    def see(self, features: Features, prob: Tensor, state: StateT) -> None:
        """What changes at every frame, after its probabilities (B, K, H, W); nothing unless a method says so."""
        return

    def further_loss(self, state: StateT, truth: Tensor) -> Tensor:
        """Scalar that a method learns from beside its masks, weighted; 0 unless it says otherwise.

        Args:
            state: after the clip's last frame.
            truth: the clip's true masks (B, T, K, H, W).
        """
        return truth.new_zeros(())

    def remembered_values(self, state: StateT) -> Tensor:
        """`ClipPrediction.values`; empty unless a method has them."""
        return state.present.new_zeros(0, dtype=torch.float32)

    def is_turn(self, features: Features, prob: Tensor, state: StateT) -> bool:
        """Whether to remember the frame that was just segmented. (All videos of a batch decide together.)"""
        return self.every is not None and (self.training or (state.frames - 1) % self.every == 0)

    def traced(self, features: Features, state: StateT) -> dict[str, Any]:
        """What was computed of this frame so far and can be used again until the next one."""
        if state.trace.get("features") is not features:
            state.trace = {"features": features}
        return state.trace

    def forward(
        self, clip: Tensor, masks: Tensor | None = None, truth: Tensor | None = None
    ) -> Tensor | ClipPrediction:
        """Segment a clip by its first frame's masks; see `segment_clip`.

        Args:
            clip: (B, T, C, H, W), intensities in [0, 1].
            masks: (B, K, H, W) of its first frame.
            truth: true masks (B, T, K, H, W) for `further_loss`, which is left out without; looked at in training only.

        Returns:
            Probabilities (B, T, K, H, W); in training a `ClipPrediction`.
        """
        if not self.training:
            return segment_clip(self, clip, masks)
        first, *frames = clip.unbind(1)
        masks = torch.ones_like(first[:, :1]) if masks is None else masks
        state = self.start(first, masks)
        probs = [masks, *(prob for prob, _ in follow(self, frames, state))]
        further = NOTHING if truth is None else self.further_loss(state, truth)
        return ClipPrediction(torch.stack(probs, dim=1), self.remembered_values(state), further)

    def encode_frame(self, frame: Tensor) -> dict[int, Tensor]:
        """Encoder features of frames (B, C, H, W), by stage; they do not depend on any object."""
        padded = on_grid(frame.to(next(self.encoder.parameters()).dtype), mode="replicate")
        features: dict[int, Tensor] = self.encoder(padded)
        return {FRAME: padded, **features} if self.keeps_frame else features

    def start(self, frame: Tensor, masks: Tensor) -> StateT:
        """See `VideoSegmenter.start`."""
        return self.start_from(self.encode_frame(frame), masks)

    def start_from(self, features: Features, masks: Tensor) -> StateT:
        """`start` with the reference's encoder features at hand."""
        state = self.begin(features, masks, occurring_classes(masks, keep_background=self.training))
        state.trace = {}
        return state

    def step(self, frame: Tensor, state: StateT) -> tuple[Tensor, StateT]:
        """See `VideoSegmenter.step`.

        Raises:
            ValueError: When the frame's size is not the reference's.
        """
        state.check_size(frame)
        return self.step_from(self.encode_frame(frame), state)

    def step_from(self, features: Features, state: StateT, *, remember: bool | None = None) -> tuple[Tensor, StateT]:
        """See `MemoryNet.step_from`."""
        logits = self.look(features, state)[..., : state.size[0], : state.size[1]]
        prob = soft_aggregate(logits, state.present)
        state.frames += 1
        state.remembered = self.is_turn(features, prob, state) if remember is None else remember
        if state.remembered:
            self.remember(features, prob, state)
        self.see(features, prob, state)
        state.trace = {}
        return prob, state

    def add_support(self, frame: Tensor, masks: Tensor, state: StateT) -> StateT:
        """See `MemoryNet.add_support`."""
        self.remember(self.encode_frame(frame), masks, state)
        state.present = state.present | occurring_classes(masks, keep_background=self.training)
        state.trace = {}
        return state


def on_grid(picture: Tensor, mode: str = "constant") -> Tensor:
    """Pad pictures (..., H, W) to the networks' grid, at the right and below."""
    height, width = picture.shape[-2:]
    return F.pad(picture, (0, -width % GRID, 0, -height % GRID), mode=mode)
