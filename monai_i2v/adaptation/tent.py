# SPDX-License-Identifier: Apache-2.0
"""Tent: test-time adaptation by least entropy (Wang et al., ICLR 2021).

Axes: `B` frames, `K` objects, `H W` pixels.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam
from tqdm import tqdm

from monai_i2v.adaptation.rbn import RBN, copy_with_batch_norms
from monai_i2v.adaptation.test_time_trainer import Adapted
from monai_i2v.adaptation.windows import Window, cut_windows, make_windows
from monai_i2v.networks import FewShotNet, batch_norms_of
from monai_i2v.tracking import AnnotatedVideo

__all__ = ["Tent"]

logger = logging.getLogger(__name__)

# Foreground below this share of the annotated frame's is reported: least entropy is where there is nothing.
VANISHING = 0.1


class Tent:
    """Batch statistics of a few frames, and steps on the norms' affine parts towards sure predictions (ICLR 2021).

    Args:
        learning_rate: of Adam; the paper takes 1e-3 for ImageNet.
        window: consecutive frames per step.
        progress: show a progress bar.
    """

    def __init__(self, learning_rate: float = 1e-4, window: int = 4, *, progress: bool = False) -> None:
        self.learning_rate, self.window, self.progress = learning_rate, window, progress

    def adapt(self, network: FewShotNet[Any, Any], videos: AnnotatedVideo | Sequence[AnnotatedVideo]) -> Adapted:
        """Pass once over the videos, then take their statistics for single frames.

        Args:
            network: the trained image network; it stays as it is.
            videos: one video, or several.

        Returns:
            The adapted copy, and per step ``{"video", "loss", "area"}``: number of the video, mean entropy (in nats),
            share of foreground.

        Raises:
            UsageError: When the network's batch norms are folded.
        """
        videos = [videos] if isinstance(videos, AnnotatedVideo) else list(videos)
        learner = _TentLearner(network, self)
        windows = [
            window for number, video in enumerate(videos) for window in make_windows(video, self.window, number=number)
        ]
        for window in tqdm(windows, desc="adapting", disable=not self.progress):
            learner.learn(videos[window.video], window)
        result = RBN().adapt(learner.network, videos).network
        return Adapted(result.requires_grad_(False), learner.log)

    def adapt_sliding(self, network: FewShotNet[Any, Any], video: AnnotatedVideo) -> Iterator[tuple[int, Tensor]]:
        """Adapt on a window and segment it by the same pass, as the paper does.

        Args:
            network: the trained image network; it stays as it is.
            video: the video.

        Yields:
            Frame index and probabilities (1, K, H, W): the frames before the reference, going back, then the
            reference with its masks, then the frames after it.
        """
        learner = _TentLearner(network, self)
        backward, forward = video.directions()
        yield from self._slide(learner, video, backward[1:])
        yield video.ref_frame, video.masks
        yield from self._slide(learner, video, forward[1:])

    def _slide(
        self, learner: _TentLearner, video: AnnotatedVideo, indices: Sequence[int]
    ) -> Iterator[tuple[int, Tensor]]:
        for window in cut_windows(indices, self.window):
            yield from zip(window.frames, learner.learn(video, window).split(1), strict=True)


class _TentLearner:
    def __init__(self, network: FewShotNet[Any, Any], settings: Tent) -> None:
        self.network, self.log = copy_with_batch_norms(network), list[dict[str, float]]()
        self.norms = batch_norms_of(self.network)
        affine = [param.requires_grad_(True) for norm in self.norms for param in (norm.weight, norm.bias)]
        self.optimizer = Adam(affine, lr=settings.learning_rate)

    @torch.enable_grad()
    def learn(self, video: AnnotatedVideo, window: Window) -> Tensor:
        """Take a step on a window, and return their probabilities (B, K, H, W) from before it."""
        net, masks = self.network, video.masks
        for norm in self.norms:
            norm.momentum = 1.0  # the running statistics become those of these frames
            norm.train()
        features = net.encode_frame(torch.cat([video.frames[index] for index in window.frames]).to(masks))
        for norm in self.norms:
            norm.eval()
        support = net.encode_support(video.frames[video.ref_frame].to(masks), masks)
        logits = net.match(features, support)
        entropy = torch.special.entr(logits.softmax(dim=1)).sum(dim=1).mean()
        self.optimizer.zero_grad(set_to_none=True)
        entropy.backward()
        self.optimizer.step()
        prob = net.to_probabilities(net.upsample(logits.detach(), masks.shape[-2:]), support.present)
        area, given = (prob > 0.5).float().mean().item(), masks.round().mean().item()
        if area < VANISHING * given:
            logger.warning(
                "Tent: frames %d to %d show %.1f %% foreground, the annotated frame %.1f %%: masks vanish.",
                window.frames[0],
                window.frames[-1],
                100 * area,
                100 * given,
            )
        self.log.append({"video": window.video, "loss": entropy.item(), "area": area})
        return prob
