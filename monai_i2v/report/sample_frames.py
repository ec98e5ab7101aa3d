# SPDX-License-Identifier: Apache-2.0
"""Which frames of a video a person sees, when there is no room for all."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

__all__ = ["sample_frames"]


def sample_frames(length: int, count: int, references: Iterable[int]) -> set[int]:
    """Evenly spaced frames, the first and the last among them, and the annotated ones.

    Args:
        length: frames of the video.
        count: how many, at most all; annotated ones come on top when they are none of them.
        references: their indices.

    Example::

        >>> from monai_i2v.report.sample_frames import sample_frames
        >>> sorted(sample_frames(100, 4, references=[5]))
        [0, 5, 33, 66, 99]
    """
    return {*references, *np.linspace(0, length - 1, min(count, length)).round().astype(int).tolist()}
