# SPDX-License-Identifier: Apache-2.0
"""What the systems of others have in common as a `VideoSegmenter`.

Axes: `B` videos, `K` objects, of which the reference shows `N`, `C` image channels, `H W` pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from monai_i2v.errors import UsageError
from monai_i2v.media.quiet import quiet
from monai_i2v.networks.encoder import IMAGENET_MEAN, IMAGENET_STD

__all__ = ["ExternalSegmenter", "ExternalState", "hard_masks", "imagenet_normalized"]

Engine = TypeVar("Engine")


@dataclass
class ExternalState(Generic[Engine]):
    """What a video has accumulated."""

    engine: Engine | None  # the system's own; None without an object
    shown: list[int]  # objects that the reference shows
    objects: int  # K


class ExternalSegmenter(nn.Module, ABC, Generic[Engine]):
    """A system of others, frame by frame; a method writes `begin` and `look`.

    It is never told of an object that the reference does not show: that channel is zeros. Frames count in the order of
    the visit, so that it also goes against time. States share the network, and may take turns.

    Args:
        network: with the weights.
        size: side of what the network sees, px, for `run.json`.
        frame_size: short side of the frames that it is to be given; None for those of the video, which it resizes.
        source: where its code comes from, for `run.json`.
    """

    def __init__(self, network: nn.Module, *, size: int, frame_size: int | None, source: str = "unknown") -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)
        self.size, self.frame_size, self.source = size, frame_size, source

    @abstractmethod
    def begin(self, frame: Tensor, masks: Tensor) -> Engine:
        """Show the system the reference frame.

        Args:
            frame: (3, H, W) in [0, 1].
            masks: (N, H, W) in [0, 1], none of them empty.

        Returns:
            What it remembers of the video.
        """

    @abstractmethod
    def look(self, frame: Tensor, engine: Engine) -> Tensor:
        """Segment the next frame (3, H, W).

        Returns:
            Probabilities (N, H, W), whose sum is at most 1.
        """

    @torch.no_grad()
    def start(self, frame: Tensor, masks: Tensor) -> ExternalState[Engine]:
        """See `VideoSegmenter.start`.

        Raises:
            UsageError: When there are several videos at a time.
        """
        b, k = masks.shape[:2]
        if b != 1:
            raise UsageError(
                f"{b} videos came at a time, expected 1 for {type(self).__name__}; give one after another."
            )
        shown = masks[0].flatten(1).any(dim=1).nonzero().flatten().tolist()
        with quiet("torch"):
            engine = self.begin(frame[0], masks[0, shown].float()) if shown else None
        return ExternalState(engine, shown, k)

    @torch.no_grad()
    def step(self, frame: Tensor, state: ExternalState[Engine]) -> tuple[Tensor, ExternalState[Engine]]:
        """See `VideoSegmenter.step`."""
        prob = torch.zeros(1, state.objects, *frame.shape[-2:], device=frame.device)
        if state.engine is not None:
            with quiet("torch"):
                prob[0, state.shown] = self.look(frame[0], state.engine).float()
        return prob, state


def hard_masks(masks: Tensor) -> Tensor:
    """Masks (N, H, W) cut at 0.5; one that is nowhere so high keeps its highest pixels.

    Example::

        >>> import torch
        >>> from monai_i2v.external.external_segmenter import hard_masks
        >>> hard_masks(torch.tensor([[[0.2, 0.6, 0.9]], [[0.1, 0.3, 0.0]]])).int().tolist()
        [[[0, 1, 1]], [[0, 1, 0]]]
    """
    return masks >= masks.amax(dim=(1, 2), keepdim=True).clamp(max=0.5)


def imagenet_normalized(frame: Tensor) -> Tensor:
    """A frame (3, H, W) in [0, 1], with the mean and standard deviation of ImageNet taken out."""
    mean, std = (frame.new_tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (frame - mean) / std
