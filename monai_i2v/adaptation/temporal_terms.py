# SPDX-License-Identifier: Apache-2.0
"""Loss terms of test-time training that compare neighboring frames along the motion.

Axes: `T` frames of the window, `K` objects, `H W` pixels, `h w` features.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from monai_i2v.adaptation.adaptation_step import AdaptationStep
from monai_i2v.adaptation.displacement import Displacement, FramePair, affinity, trusted, warp
from monai_i2v.adaptation.reference_views import random_view

__all__ = ["TemporalConsistencyRegularization", "TemporalPseudoSupervision"]


class TemporalConsistencyRegularization:
    """Where the student is less sure than the frame before, it follows that frame along the motion.

    The part of DA-VSN (Guan et al., ICCV 2021, intra-domain) that needs no labelled videos.

    Args:
        weight: weight of the term.
        displacement: how the motion is found: `affinity`, `registration`, `at_rest`, or a function of your own.
    """

    def __init__(self, weight: float = 1.0, *, displacement: Displacement = affinity) -> None:
        self.weight, self.displacement = weight, displacement

    def __call__(self, step: AdaptationStep) -> Tensor:
        if step.frames == 1:
            return step.logits.new_zeros(())
        prob = step.logits.softmax(dim=1)[:, 1].unflatten(0, (step.frames, step.objects))  # (T, K, h, w)
        before, valid = _carried_on(step, prob[:-1].detach(), self.displacement, range(step.frames - 1))
        surer = _entropy(before) < _entropy(prob[1:].detach())
        return ((prob[1:] - before).abs() * (surer & valid)).mean()


class TemporalPseudoSupervision:
    """The masks of a frame, carried on along the motion, are the truth of a changed copy of the next frame.

    The kernel of TPS (Xing et al., ECCV 2022), with this package's changes of a frame (see `random_view`).

    Args:
        weight: weight of the term.
        threshold: pixels count whose carried class has at least this probability; TPS takes all of them (0).
        displacement: see `TemporalConsistencyRegularization`.
    """

    def __init__(self, weight: float = 1.0, *, threshold: float = 0.9, displacement: Displacement = affinity) -> None:
        self.weight, self.threshold, self.displacement = weight, threshold, displacement

    def __call__(self, step: AdaptationStep) -> Tensor:
        if step.frames == 1:
            return step.logits.new_zeros(())
        k, last = step.objects, step.frames - 1
        prob = step.logits.detach().softmax(dim=1)[:, 1].unflatten(0, (step.frames, k))[last - 1 : last]
        carried, valid = _carried_on(step, prob, self.displacement, [last - 1])  # (1, K, h, w)
        sure = valid & (torch.maximum(carried, 1 - carried) >= self.threshold)
        frame = step.frame(last)
        both = step.student.net.upsample(torch.cat([carried, sure.float()], dim=1), frame.shape[-2:])  # (1, 2 K, H, W)
        view, labels = random_view(frame, both, step.random)
        with torch.no_grad():
            features = step.student.net.encode_frame(view)
        logits = step.segment(features, step.support, step.bank, view.shape[-2:])
        target, counted = labels[0].round().split(k)
        loss = F.cross_entropy(logits, target.long(), reduction="none") * counted
        return loss.sum() / counted.sum().clamp_min(1)


def _carried_on(
    step: AdaptationStep, prob: Tensor, displacement: Displacement, places: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Probabilities (T, K, h, w) of frames, warped to the frames after them, and where the way can be trusted."""
    finest = step.features[min(step.features)]
    pair = FramePair(
        torch.cat([step.frame(place) for place in places]),
        torch.cat([step.frame(place + 1) for place in places]),
        finest[[*places]],
        finest[[place + 1 for place in places]],
    )
    with torch.no_grad():
        there, back = displacement(pair), displacement(pair.turned())
        return warp(prob, there), trusted(there, back)


def _entropy(prob: Tensor) -> Tensor:
    return torch.special.entr(prob) + torch.special.entr(1 - prob)
