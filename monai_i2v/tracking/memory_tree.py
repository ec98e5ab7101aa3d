# SPDX-License-Identifier: Apache-2.0
"""Several memories of one video: the masks that are remembered may be wrong, so that others are remembered, too.

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from monai_i2v.memory import mask_confidence
from monai_i2v.propagation import MemoryNet

__all__ = ["MemoryTree", "Pathway", "Scorer", "pathway_score"]

Scorer: TypeAlias = Callable[[Tensor], float]
"""From probabilities (B, K, H, W) to how good they are, in (0, 1]."""

SCORE_EPS = 1e-5


def pathway_score(prob: Tensor) -> float:
    """How far the probabilities of each object's pixels are from the threshold, mean over objects.

    An object that is not seen counts as sure as its most likely pixel is unlikely.

    Args:
        prob: (B, K, H, W).

    Returns:
        In [0, 1].
    """
    seen, unseen = mask_confidence(prob), 1 - 2 * prob.amax(dim=(-2, -1)).clamp_max(0.5)
    return torch.where(seen > 0, seen, unseen).mean().item()


class Pathway(NamedTuple):
    """One memory of the video."""

    state: Any
    score: float  # sum of the logarithms of its masks' scores


class MemoryTree(nn.Module):
    """Follow a video along several pathways with memories of their own (SAM2Long, Ding et al., ICCV 2025).

    For inference only. Whenever a frame is remembered, each pathway splits: its masks are remembered as they are, or
    as another threshold would have them. The pathways with the best scores go on, and the best of them gives the
    masks. With one pathway and the threshold 0.5 the network does exactly what it does by itself.

    Args:
        network: a `MemoryNet`; its own steps are not changed.
        pathways: how many memories there are at most; time and memory grow with them, but for the image encoder.
        thresholds: how probable a pixel must be to be remembered as the object.
        scorer: how good masks are; `pathway_score` without calibration is a weak guess.

    Raises:
        ValueError: When `pathways` is less than 1, or a threshold is not between 0 and 1.

    Example::

        >>> import torch
        >>> from monai_i2v.tracking import MemoryTree
        >>> from monai_i2v.networks import MobileNetV2Encoder, SlimMaskEncoder, TemporalContrastiveMemoryNet
        >>> from monai_i2v.propagation import propagate
        >>> net = TemporalContrastiveMemoryNet(
        ...     MobileNetV2Encoder(last_stage=16), SlimMaskEncoder(64), value_channels=128, widths=(128, 64, 32)
        ... ).eval()
        >>> masks = torch.zeros(1, 1, 64, 64)
        >>> masks[..., :32] = 1
        >>> len(list(propagate(MemoryTree(net), torch.rand(6, 1, 3, 64, 64), masks)))
        6
    """

    def __init__(
        self,
        network: MemoryNet[Any],
        *,
        pathways: int = 3,
        thresholds: Sequence[float] = (0.35, 0.5, 0.65),
        scorer: Scorer = pathway_score,
    ) -> None:
        super().__init__()
        if pathways < 1:
            raise ValueError(f"pathways must be 1 or more, got {pathways}; 3 is usual.")
        if not thresholds or not all(0 < threshold < 1 for threshold in thresholds):
            raise ValueError(f"thresholds must be between 0 and 1, got {tuple(thresholds)}; use (0.35, 0.5, 0.65).")
        self.network = network
        self.pathways, self.thresholds, self.scorer = pathways, tuple(thresholds), scorer

    @torch.no_grad()
    def start(self, frame: Tensor, masks: Tensor) -> list[Pathway]:
        """See `VideoSegmenter.start`."""
        return [Pathway(self.network.start(frame, masks), score=0.0)]

    @torch.no_grad()
    def step(self, frame: Tensor, state: list[Pathway]) -> tuple[Tensor, list[Pathway]]:
        """See `VideoSegmenter.step`."""
        features = self.network.encode_frame(frame)
        key = self.network.encode_key(features)
        branches = []
        for parent in state:
            prob, _ = self.network.step_from(features, parent.state, remember=False)
            turn = parent.state.decide(key, prob)
            for threshold in self.thresholds if turn else (0.5,):
                masks = at_threshold(prob, threshold)
                score = parent.score + math.log(self.scorer(masks) + SCORE_EPS)
                branches.append((score, turn, masks, parent))
        branches.sort(key=lambda branch: -branch[0])
        kept = branches[: self.pathways]
        pathways: list[Pathway] = []
        for place, (score, turn, masks, parent) in enumerate(kept):
            again = any(parent is other[3] for other in kept[place + 1 :])
            own = copy.deepcopy(parent.state) if again else parent.state
            if turn:
                self.network.remember(features, masks, own)
            pathways.append(Pathway(own, score))
        return kept[0][2], pathways


def at_threshold(prob: Tensor, threshold: float) -> Tensor:
    """Probabilities that are above 1 / 2 where these are above a threshold.

    The odds of all objects against the background change by one factor; shares of objects among each other stay.

    Args:
        prob: (B, K, H, W), sum over objects at most 1.
        threshold: in (0, 1); at 0.5 they stay as they are, to the last bit.
    """
    if threshold == 0.5:
        return prob
    factor = (1 - threshold) / threshold
    objects = prob.sum(dim=1, keepdim=True)
    return factor * prob / ((1 - objects).clamp_min(0) + factor * objects).clamp_min(1e-12)
