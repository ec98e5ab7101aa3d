# SPDX-License-Identifier: Apache-2.0
"""What tests of adaptation share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_i2v.inferers import PropagationInferer
from monai_i2v.tracking import AnnotatedVideo


def annotated(disc: tuple[Tensor, Tensor], ref_frame: int = 0, objects: int = 1) -> AnnotatedVideo:
    """The disc as a video whose frame `ref_frame` is annotated; a second object is the same, elsewhere."""
    frames, masks = disc
    masks = torch.cat([masks[ref_frame][None], masks[ref_frame][None].roll(20, -1)][:objects], dim=1)
    return AnnotatedVideo(frames.split(1), masks, ref_frame)


def same_weights(first: nn.Module, second: nn.Module) -> bool:
    """Whether two networks are equal to the last bit."""
    other = second.state_dict()
    return all(torch.equal(value, other[key]) for key, value in first.state_dict().items())


def masks_of(net: nn.Module, video: AnnotatedVideo) -> Tensor:
    """Probabilities (T, K, H, W) of all frames of a video."""
    frames = [frame[0] for frame in video.frames]
    results = PropagationInferer(None).stream(frames, net, video.masks[0], video.ref_frame)
    return torch.stack([result.prob for result in results])
