# SPDX-License-Identifier: Apache-2.0
"""What a session knows, as an inferer would give it."""

from __future__ import annotations

from collections.abc import Iterator

from monai_i2v.inferers import FrameResult
from monai_i2v.session.video_session import VideoSession

__all__ = ["session_results"]


def session_results(session: VideoSession) -> Iterator[FrameResult]:
    """All frames of a session.

    Args:
        session: with something drawn.

    Yields:
        One `FrameResult` per frame, in the order of time; objects in the order of their labels.
    """
    for index in range(len(session)):
        original = session.frames.original(index)
        yield FrameResult(index, original, session.probabilities(index), session.frames.unreadable.get(index))
