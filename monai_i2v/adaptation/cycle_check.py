# SPDX-License-Identifier: Apache-2.0
"""Does a network follow a video already? Masks carried to another frame and back should be those that were given."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch

from monai_i2v.adaptation.annotated_dice import annotated_dice
from monai_i2v.propagation import propagate
from monai_i2v.tracking import AnnotatedVideo

__all__ = ["cycle_dice", "needs_adaptation"]

logger = logging.getLogger(__name__)

# Frames to turn back at, spread over the video.
TURNS = 3


@torch.no_grad()
def cycle_dice(network: Any, video: AnnotatedVideo) -> float:
    """Dice of the reference frame, segmented from a frame that was segmented from it.

    Args:
        network: a `VideoSegmenter`.
        video: the video.

    Returns:
        Mean over objects, then over a few frames spread over the video.
    """
    reference, masks = video.frames[video.ref_frame].to(video.masks), video.masks
    others = [index for index in range(len(video.frames)) if index != video.ref_frame] or [video.ref_frame]
    places = np.linspace(0, len(others) - 1, TURNS + 1)[1:].round().astype(int)
    scores = []
    for index in sorted({others[place] for place in places}):
        turn = video.frames[index].to(masks)
        _, there = propagate(network, [reference, turn], masks)
        # What was found is cut: a network may take the trace of an object that is lost for a small object.
        _, back = propagate(network, [turn, reference], (there > 0.5).to(masks))
        scores.append(annotated_dice(back, masks))
    return float(np.mean(scores))


def needs_adaptation(network: Any, video: AnnotatedVideo, skip_above: float | None) -> bool:
    """Whether a network should learn from a video.

    Args:
        network: a `VideoSegmenter`.
        video: the video.
        skip_above: `cycle_dice` from which on it follows well already; None to learn from every video.
    """
    closed = 0.0 if skip_above is None else cycle_dice(network, video)
    if skip_above is None or closed <= skip_above:
        return True
    logger.info("mask cycles close already (Dice %.2f): no adaptation is needed.", closed)
    return False
