# SPDX-License-Identifier: Apache-2.0
"""Windows of consecutive frames: the batches of test-time training (TTT paper 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from monai_i2v.tracking import AnnotatedVideo

__all__ = ["Window", "cut_windows", "make_windows", "slide_windows"]


class Window(NamedTuple):
    """Frames to learn from together."""

    video: int  # number of the video
    frames: tuple[int, ...]  # consecutive frame indices, in the order of propagation
    first: bool  # the memory starts anew with this window


def make_windows(video: AnnotatedVideo, size: int, *, number: int = 0, max_frames: int | None = None) -> list[Window]:
    """Cut the frames after the reference into windows, in both directions from it.

    Args:
        video: the video.
        size: frames per window; the last may be shorter.
        number: number of the video among several.
        max_frames: when there are more frames than this, evenly spaced windows are kept; the bound on time and
            memory in long videos.

    Returns:
        Windows in the order of propagation. A video of one frame gives one window, with that frame.
    """
    windows = [window for direction in video.directions() for window in cut_windows(direction[1:], size, number)]
    windows = windows or [Window(number, (video.ref_frame,), first=True)]
    if max_frames is None or len(windows) * size <= max_frames:
        return windows
    kept = np.linspace(0, len(windows) - 1, max(1, max_frames // size)).round().astype(int)
    firsts = {index for index, window in enumerate(windows) if window.first}
    return [windows[index] for index in sorted({*kept.tolist(), *firsts})]


def cut_windows(frames: Sequence[int], size: int, number: int = 0) -> list[Window]:
    """Cut frame indices, in the order of propagation from a reference, into windows."""
    cut = [tuple(frames[start : start + size]) for start in range(0, len(frames), size)]
    return [Window(number, part, first=index == 0) for index, part in enumerate(cut)]


def slide_windows(video: AnnotatedVideo, size: int, *, number: int = 0, max_frames: int | None = None) -> list[Window]:
    """All windows of neighboring frames, in both directions from the reference, which belongs to both.

    Args:
        video: the video.
        size: frames per window; a direction with fewer is filled with copies of its last frame.
        number: number of the video among several.
        max_frames: when there are more windows than this, evenly spaced ones are kept.
    """
    directions = [direction for direction in video.directions() if len(direction) > 1] or [[video.ref_frame]]
    filled = [direction + [direction[-1]] * (size - len(direction)) for direction in directions]
    windows = [
        Window(number, tuple(frames[start : start + size]), first=start == 0)
        for frames in filled
        for start in range(len(frames) - size + 1)
    ]
    kept = np.linspace(0, len(windows) - 1, min(len(windows), max_frames or len(windows))).round().astype(int)
    return [windows[index] for index in kept]
