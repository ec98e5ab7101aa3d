# SPDX-License-Identifier: Apache-2.0
"""RBN: the batch statistics of the test video instead of the training images'.

Tent, RBN and InTEnt were made for networks that see one image at a time and no annotated frame. Here the annotated
frame is encoded with the same statistics as the frame that is compared with it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from monai_i2v.adaptation.test_time_trainer import Adapted
from monai_i2v.errors import UsageError
from monai_i2v.networks import FewShotNet, batch_norms_of, collect_statistics
from monai_i2v.tracking import AnnotatedVideo

__all__ = ["RBN", "copy_with_batch_norms", "mix_statistics"]

# Frames whose statistics are taken together.
BATCH = 4


class RBN:
    """The video's batch statistics, not the training images' (Nado et al., 2020; Schneider et al., NeurIPS 2020).

    Args:
        frames: frames of each video to take statistics from, evenly spaced.
        prior_strength: how many frames the training images' statistics count for; 0 forgets them (Nado et al.).
    """

    def __init__(self, frames: int = 64, prior_strength: float = 0.0) -> None:
        self.frames, self.prior_strength = frames, prior_strength

    def adapt(self, network: FewShotNet[Any, Any], videos: AnnotatedVideo | Sequence[AnnotatedVideo]) -> Adapted:
        """Adapt a copy to one video, or to all videos of a data set together.

        Args:
            network: the trained image network; it stays as it is.
            videos: one video, or several.

        Returns:
            The copy, and an empty log.

        Raises:
            UsageError: When the network's batch norms are folded.
        """
        adapted = copy_with_batch_norms(network)
        videos = [videos] if isinstance(videos, AnnotatedVideo) else list(videos)
        chosen = [_sampled(video, self.frames) for video in videos]
        collect_statistics(
            adapted,
            (
                torch.cat([video.frames[index] for index in indices[start : start + BATCH]])
                for video, indices in zip(videos, chosen, strict=True)
                for start in range(0, len(indices), BATCH)
            ),
        )
        frames = sum(map(len, chosen))
        for norm, source in zip(batch_norms_of(adapted), batch_norms_of(network), strict=True):
            mix_statistics(norm, source, frames / (frames + self.prior_strength))
        return Adapted(adapted, [])


def copy_with_batch_norms(network: FewShotNet[Any, Any]) -> FewShotNet[Any, Any]:
    """A frozen copy of a network in evaluation mode.

    Raises:
        UsageError: When its batch norms are folded.
    """
    if not batch_norms_of(network):
        raise UsageError(
            "the network has no batch norms, but this method changes them; load it without optimize_for_inference."
        )
    return copy.deepcopy(network).eval().requires_grad_(False)


def _sampled(video: AnnotatedVideo, most: int) -> list[int]:
    """At most so many frame indices, evenly spaced."""
    return np.linspace(0, len(video.frames) - 1, min(most, len(video.frames))).round().astype(int).tolist()


def mix_statistics(norm: nn.BatchNorm2d, source: nn.BatchNorm2d, share: float) -> None:
    """Keep a share of the statistics that a norm has, and take the rest from its source."""
    for name in ("running_mean", "running_var"):
        own: Tensor = getattr(norm, name)
        own.copy_(torch.lerp(getattr(source, name).to(own), own, share))
