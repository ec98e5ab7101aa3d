# SPDX-License-Identifier: Apache-2.0
"""Segment a whole video from the label maps of several frames, without a person in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from monai_i2v.inferers import FrameResult, PropagationInferer
from monai_i2v.media import Video
from monai_i2v.session.video_session import VideoSession

__all__ = ["segment_annotated_frames"]


def segment_annotated_frames(
    network: Any, video: Video, label_maps: Mapping[int, np.ndarray], inferer: PropagationInferer
) -> Iterator[FrameResult]:
    """Let a `VideoSession` see the whole video, and give what it found.

    Args:
        network: any `VideoSegmenter`, in evaluation mode.
        video: the video.
        label_maps: (H, W), whole numbers, by frame; what the later of them do not show is absent there.
        inferer: its size, crop, precision and absence.

    Yields:
        One `FrameResult` per frame, in the order of time; objects in the order of their labels.

    Raises:
        UsageError: As `VideoSession.annotate`.
    """
    session = VideoSession(inferer.gated(network), video, size=inferer.size, crop=inferer.crop)
    for frame, label_map in label_maps.items():
        session.annotate(frame, label_map)
    with torch.autocast(
        torch.device(session.frames.device).type, inferer.dtype, enabled=inferer.dtype != torch.float32
    ):
        for _ in tqdm(session.carry(), desc="passes", leave=False, disable=None):
            pass
    for index in range(len(session)):
        yield FrameResult(
            index, session.frames.original(index), session.probabilities(index), session.frames.unreadable.get(index)
        )
