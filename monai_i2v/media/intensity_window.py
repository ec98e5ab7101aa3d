# SPDX-License-Identifier: Apache-2.0
"""Which intensities are shown as black and as white, when the source does not say so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.media.video import FrameError, Video

__all__ = ["find_window", "sample_frames"]

SAMPLE_SIZE = 8  # frames, spread evenly; enough for a window, and quick to decode


def sample_frames(video: Video) -> list[np.ndarray]:
    """Read some frames, spread evenly over a video; those that cannot be decoded are left out.

    Raises:
        UsageError: When none of them can be decoded.
    """
    frames = []
    for index in sorted({*np.linspace(0, len(video) - 1, SAMPLE_SIZE).astype(int).tolist()}):
        try:
            frames.append(video.read(index))
        except FrameError as error:
            problem = error
    if not frames:
        raise UsageError(
            f"{video.info.path} holds no frame that can be decoded; expected at least one; copy or export it again."
        ) from problem
    return frames


def find_window(frames: Sequence[np.ndarray], percentiles: tuple[float, float] = (0.0, 100.0)) -> tuple[float, float]:
    """Intensities to show as 0 and 1: (0, 255) for 8 bit, else percentiles of the finite values.

    Args:
        frames: arrays of any shape and numeric type.
        percentiles: in [0, 100]; the default is the range of the values.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.media.intensity_window import find_window
        >>> find_window([np.array([7, 9], np.uint8)])
        (0.0, 255.0)
        >>> find_window([np.array([-50.0, np.nan]), np.array([900.0])])
        (-50.0, 900.0)
    """
    if all(frame.dtype == np.uint8 for frame in frames):
        return 0.0, 255.0
    values = np.concatenate([frame[np.isfinite(frame)].ravel() for frame in frames])
    low, high = np.percentile(values, percentiles).tolist() if values.size else (0.0, 1.0)
    return low, high if high > low else low + 1.0  # a constant video is black
