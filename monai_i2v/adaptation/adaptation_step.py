# SPDX-License-Identifier: Apache-2.0
"""What one step of test-time training knows: the input of every loss term.

Axes: `T` frames of the window, `K` objects, `C` image channels, `F` feature channels, `H W` pixels, `h w` features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
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
    frame: Callable[[int], Tensor]  # a frame (1, C, H, W) by its place in the window, decoded when a term asks for it
    features: dict[int, Tensor]  # encoder features (T, F, h, w), by stage
    embedded: Tensor  # the student's enhanced features (T * K, F, h, w)
    logits: Tensor  # the student's (T * K, 2, h, w)
    teacher_features: Tensor  # (T * K, F, h, w)
    teacher_logits: Tensor  # (T * K, 2, h, w)
    view: ReferenceView
    random: np.random.RandomState  # for terms that draw random numbers

    @property
    def frames(self) -> int:
        """Number of frames `T`."""
        return len(self.embedded) // self.objects

    @property
    def objects(self) -> int:
        """Number of objects `K`."""
        return self.support.objects

    def segment(self, features: dict[int, Tensor], support: Support, bank: MemoryBank, size: Sequence[int]) -> Tensor:
        """The student's logits (K, 2, H, W) of a further frame, from its encoder features."""
        student = self.student
        embedded = student.net.embed(features, support)
        return student.net.upsample(student.decode(embedded, bank.read(student.encode_key(features))), size)


def cat_features(features: list[dict[int, Tensor]]) -> dict[int, Tensor]:
    """Join encoder features of frames along the batch."""
    return {stage: torch.cat([frame[stage] for frame in features]) for stage in features[0]}
