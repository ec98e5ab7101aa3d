# SPDX-License-Identifier: Apache-2.0
"""InTEnt: predictions averaged over batch statistics between training images and test frame (Dong et al., CVPR 2024).

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from monai_i2v.adaptation.rbn import copy_with_batch_norms, mix_statistics
from monai_i2v.adaptation.test_time_trainer import Adapted
from monai_i2v.networks import FewShotNet, batch_norms_of, soft_aggregate
from monai_i2v.tracking import AnnotatedVideo

__all__ = ["InTEnt", "InTEntNet", "InTEntState", "balanced_entropy"]


class InTEnt:
    """Average predictions over mixtures of the training images' and the frame's own statistics (Dong et al.).

    Nothing is trained; each frame costs as many passes as there are mixtures, and so does the annotated frame.

    Args:
        mixtures: number of mixtures, from the training images' statistics alone to the frame's alone.
    """

    def __init__(self, mixtures: int = 6) -> None:
        self.mixtures = mixtures

    def adapt(self, network: FewShotNet[Any, Any], videos: AnnotatedVideo | Sequence[AnnotatedVideo]) -> Adapted:
        """A segmenter around a copy of the network, and an empty log; the videos are not looked at."""
        return Adapted(InTEntNet(copy_with_batch_norms(network), self.mixtures), [])


class InTEntState(NamedTuple):
    """What a video has: its annotated frame."""

    frame: Tensor  # (B, C, H, W)
    masks: Tensor  # (B, K, H, W)


class InTEntNet(nn.Module):
    """See `InTEnt`; a `VideoSegmenter`.

    Args:
        network: the image network; it stays as it is.
        mixtures: number of mixtures.
    """

    def __init__(self, network: FewShotNet[Any, Any], mixtures: int = 6) -> None:
        super().__init__()
        self.network = network
        self.source = copy.deepcopy(batch_norms_of(network))
        self.shares = torch.linspace(0, 1, mixtures).tolist()

    def start(self, frame: Tensor, masks: Tensor) -> InTEntState:
        """See `VideoSegmenter.start`."""
        return InTEntState(frame, masks)

    @torch.no_grad()
    def step(self, frame: Tensor, state: InTEntState) -> tuple[Tensor, InTEntState]:
        """See `VideoSegmenter.step`."""
        if len(frame) > 1:  # each video has its own statistics
            videos = [InTEntState(*one) for one in zip(state.frame.split(1), state.masks.split(1), strict=True)]
            return torch.cat([self.step(*one)[0] for one in zip(frame.split(1), videos, strict=True)]), state
        # Statistics change from pass to pass in a copy of this step's own, which shares the weights.
        net = copy.deepcopy(self.network, {id(param): param for param in self.network.parameters()})
        found = []
        for share in self.shares:
            features = self._encode(net, frame, share)
            support = net.encode_support(state.frame, state.masks)
            logits = net.upsample(net.match(features, support), frame.shape[-2:])
            found.append((logits[:, 1] - logits[:, 0]).unflatten(0, (frame.shape[0], -1)).sigmoid())
        prob = torch.stack(found)  # (mixtures, B, K, H, W)
        entropy = balanced_entropy(prob)
        low, high = entropy.amin(dim=0), entropy.amax(dim=0)
        weights = (-(entropy - low) / (high - low).clamp_min(1e-7)).softmax(dim=0)
        mean = (weights[..., None, None] * prob).sum(dim=0)
        return soft_aggregate(torch.logit(mean, eps=1e-6), support.present), state

    def _encode(self, net: FewShotNet[Any, Any], frame: Tensor, share: float) -> Any:
        """Encode with mixed statistics, layer by layer, and leave them in place for the annotated frame."""

        def mix(source: nn.BatchNorm2d, norm: nn.BatchNorm2d, inputs: tuple[Tensor, ...]) -> None:
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean.copy_(inputs[0].mean(dim=(0, 2, 3)))
            norm.running_var.copy_(inputs[0].var(dim=(0, 2, 3), correction=0))
            mix_statistics(norm, source, share)

        hooks = [
            norm.register_forward_pre_hook(partial(mix, source))
            for norm, source in zip(batch_norms_of(net), self.source, strict=True)
        ]
        features = net.encode_frame(frame)
        for hook in hooks:
            hook.remove()
        return features


def balanced_entropy(prob: Tensor) -> Tensor:
    """Binary entropy in bits: the mean of that over predicted foreground and that over predicted background.

    Args:
        prob: (..., H, W).

    Returns:
        (...); the plain mean where all pixels are of one kind.
    """
    bits = (torch.special.entr(prob) + torch.special.entr(1 - prob)) / math.log(2)
    inside = (prob > 0.5).float()
    kinds = torch.stack([inside, 1 - inside])
    pixels = kinds.sum(dim=(-2, -1))
    means = (bits * kinds).sum(dim=(-2, -1)) / pixels.clamp_min(1)
    return means.sum(dim=0) / (pixels > 0).sum(dim=0)
