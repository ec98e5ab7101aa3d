# SPDX-License-Identifier: Apache-2.0
"""What one step of test-time training knows: the input of every loss term.

Axes: `T` frames of the window, `K` objects, `C` image channels, `F` feature channels, `H W` pixels, `h w` features.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from monai_i2v.memory import MemoryBank
from monai_i2v.networks import OneShotMemoryNet, Support

__all__ = ["AdaptationStep", "FrameRecord", "ReferenceView", "cat_features"]


class FrameRecord(NamedTuple):
    """What stays the same about a frame while the student's later layers are trained."""

    features: dict[int, Tensor]  # encoder features (1, F, h, w), by stage
    teacher_features: Tensor  # (K, F, h, w)
    teacher_logits: Tensor  # (K, 2, h, w)


class ReferenceView(NamedTuple):
    """A changed copy of the reference frame, whose truth is known."""

    features: dict[int, Tensor]  # encoder features (1, F, h, w), by stage
    masks: Tensor  # (1, K, H, W)


@dataclass(frozen=True)
class AdaptationStep:
    """One window, seen by student and teacher."""

    student: OneShotMemoryNet
    support: Support
    bank: MemoryBank
    last_frame: Callable[[], Tensor]  # the window's last frame (1, C, H, W), decoded when a term asks for it
    features: dict[int, Tensor]  # encoder features (T, F, h, w), by stage
    embedded: Tensor  # the student's enhanced features (T * K, F, h, w)
    logits: Tensor  # the student's (T * K, 2, h, w)
    teacher_features: Tensor  # (T * K, F, h, w)
    teacher_logits: Tensor  # (T * K, 2, h, w)
    view: ReferenceView

    @property
    def objects(self) -> int:
        """Number of objects `K`."""
        return self.support.objects


def cat_features(features: list[dict[int, Tensor]]) -> dict[int, Tensor]:
    """Join encoder features of frames along the batch."""
    return {stage: torch.cat([frame[stage] for frame in features]) for stage in features[0]}
