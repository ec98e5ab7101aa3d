# SPDX-License-Identifier: Apache-2.0
"""Which intensities are shown as black and as white, when the source does not say so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.media.video import FrameError, Video

__all__ = ["find_window", "sample_frames", "sample_indices"]

SHOWN_PERCENTILES = (0.5, 99.5)
PADDING_SHARE = 0.005  # of the pixels; fewer are left out by the percentiles
PADDING_LEAST = 16  # pixels
PADDING_GAP = 0.25  # between padding and the next value, as a share of the range of the others
SAMPLE_SIZE = 8  # frames, spread evenly; enough for a window, and quick to decode


def sample_indices(length: int) -> list[int]:
    """Some frames of so many, spread evenly.

    Example::

        >>> from monai_i2v.media.intensity_window import sample_indices
        >>> sample_indices(15)
        [0, 2, 4, 6, 8, 10, 12, 14]
    """
    return sorted({*np.linspace(0, length - 1, SAMPLE_SIZE).astype(int).tolist()})


def sample_frames(video: Video, read: Callable[[int], np.ndarray] | None = None) -> list[np.ndarray]:
    """Read some frames, spread evenly over a video; those that cannot be decoded are left out.

    Args:
        video: to read from.
        read: gives what counts of a frame, None for the frame as it is.

    Raises:
        UsageError: When none of them can be decoded.
    """
    frames = []
    for index in sample_indices(len(video)):
        try:
            frames.append((read or video.read)(index))
        except FrameError as error:
            problem = error
    if not frames:
        raise UsageError(
            f"{video.info.path} holds no frame that can be decoded; expected at least one; copy or export it again."
        ) from problem
    return frames


def find_window(frames: Sequence[np.ndarray]) -> tuple[float, float]:
    """Intensities to show as 0 and 1: (0, 255) for 8 bit, else the 0.5 to 99.5 percentiles of what is measured.

    A few bright pixels must not darken the rest. Values that are not finite do not count, nor does padding: a value at
    one end that many pixels have, and that lies far from all others.

    Args:
        frames: arrays of any shape and numeric type.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.media.intensity_window import find_window
        >>> find_window([np.array([7, 9], np.uint8)])
        (0.0, 255.0)
        >>> find_window([np.arange(1001.0), np.full(500, -32768.0), np.array([np.nan, 60000.0])])
        (5.005, 995.995)
    """
    if all(frame.dtype == np.uint8 for frame in frames):
        return 0.0, 255.0
    values = np.concatenate([frame[np.isfinite(frame)].ravel() for frame in frames])
    if not values.size:
        return 0.0, 1.0
    values = _without_padding(_without_padding(values, np.min), np.max)
    low, high = np.percentile(values, SHOWN_PERCENTILES).tolist()
    if low == high:  # hardly any pixels differ: all of them are shown
        low, high = float(values.min()), float(values.max())
    return low, high if high > low else low + 1.0  # a constant video is black


def _without_padding(values: np.ndarray, end: Callable[[np.ndarray], Any]) -> np.ndarray:
    """Values without those at an end, where these are padding."""
    extreme = end(values)
    rest = values[values != extreme]
    if min(rest.size, values.size - rest.size) < max(PADDING_SHARE * values.size, PADDING_LEAST):
        return values
    low, high = np.percentile(rest, SHOWN_PERCENTILES).tolist()
    gap = abs(float(end(rest)) - float(extreme))
    return rest if high > low and gap > PADDING_GAP * (high - low) else values
