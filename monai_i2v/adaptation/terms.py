# SPDX-License-Identifier: Apache-2.0
"""Loss terms of test-time training; a trainer sums any of them, weighted.

Axes: `T` frames of the window, `K` objects, `F` feature channels, `H W` pixels, `h w` features.
"""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from monai.losses import DiceCELoss
from torch import Tensor

from monai_i2v.adaptation.adaptation_step import AdaptationStep, ReferenceView
from monai_i2v.losses import BootstrappedCrossEntropy, FeatureAlignmentLoss
from monai_i2v.memory import MemoryBank
from monai_i2v.networks import Support

__all__ = ["FeatureAlignment", "FirstFrame", "MaskCycle", "PredictionAlignment", "Term"]


class Term(Protocol):
    """A part of the loss."""

    weight: float

    def __call__(self, step: AdaptationStep) -> Tensor:
        """Scalar loss of this step, not yet weighted."""
        ...


class FeatureAlignment:
    """The student's features follow the teacher's (TTT paper eq. 4 and 6).

    Args:
        weight: weight of the term, lambda in the paper.
    """

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight
        self.loss = FeatureAlignmentLoss()

    def __call__(self, step: AdaptationStep) -> Tensor:
        return self.loss(step.embedded, step.teacher_features)


class PredictionAlignment:
    """The student's masks follow the teacher's, where the student is not yet sure (TTT paper eq. 5).

    Args:
        weight: weight of the term, alpha in the paper.
        threshold: pixels count whose probability of the teacher's class is below it, eta in the paper.
        target: the teacher's class (``"hard"``) or its probabilities (``"soft"``). With ``"soft"`` and
            ``head_init="identity"`` student and teacher agree from the start and nothing is learned.
    """

    def __init__(
        self, weight: float = 1.0, *, threshold: float = 0.9, target: Literal["hard", "soft"] = "hard"
    ) -> None:
        if target not in ("hard", "soft"):
            raise ValueError(f"target must be one of 'hard', 'soft', got {target!r}; use 'hard'.")
        self.weight, self.target = weight, target
        self.loss = BootstrappedCrossEntropy(threshold)

    def __call__(self, step: AdaptationStep) -> Tensor:
        teacher = step.teacher_logits
        return self.loss(step.logits, teacher.argmax(dim=1) if self.target == "hard" else teacher.softmax(dim=1))


class FirstFrame:
    """The student segments changed copies of the reference frame; their masks are true.

    Args:
        weight: weight of the term.
    """

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def __call__(self, step: AdaptationStep) -> Tensor:
        return _view_loss(step, step.view, step.support, step.bank)


class MaskCycle:
    """Mask cycle consistency: from the reference to a frame and back, the mask must be the given one.

    The student's own mask of the window's last frame becomes the support from which a changed copy of the reference
    frame is segmented (Bertrand et al., NeurIPS 2023, tt-MCC, for one-shot networks). Gradients flow through the way
    back only. An object that was not found in that frame does not count: there is nothing to come back from.

    Args:
        weight: weight of the term.
    """

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def __call__(self, step: AdaptationStep) -> Tensor:
        k, student = step.objects, step.student
        frame = step.frame(-1)
        with torch.no_grad():
            last = student.net.upsample(step.logits[-k:], frame.shape[-2:])
            masks = student.net.to_probabilities(last, step.support.present)  # (1, K, H, W)
            found = masks.amax(dim=(0, 2, 3)) > 0.5
            if not found.any():
                return step.logits.new_zeros(())
            annotated = student.net.encode_annotated(frame, masks)
        support = student.net.project_support(annotated)
        bank = student.start_from(annotated.whole, support, masks.shape[-2:]).bank
        return _view_loss(step, step.view, support, bank, found)


# Cross entropy plus soft Dice on probabilities of background and foreground.
_dice_ce = DiceCELoss(include_background=False, softmax=True, to_onehot_y=True)


def _view_loss(
    step: AdaptationStep, view: ReferenceView, support: Support, bank: MemoryBank, counted: Tensor | None = None
) -> Tensor:
    """Loss of a view of the reference, of the objects (K,) that count."""
    full, truth = step.segment(view.features, support, bank, view.masks.shape[-2:]), view.masks.transpose(0, 1).round()
    return _dice_ce(full, truth) if counted is None else _dice_ce(full[counted], truth[counted])
