# SPDX-License-Identifier: Apache-2.0
"""How long test-time training learns, and from which frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["ReferenceSchedule", "Schedule"]


@dataclass(frozen=True)
class Schedule:
    """The effort of an adaptation.

    Args:
        passes: passes over the video; 0 leaves the network untrained.
        min_steps: further passes are added until there are so many steps, for short videos.
        window: consecutive frames per step; the TTT paper takes 4.
        max_frames: frames per video to learn from; longer videos give evenly spaced windows.
        max_seconds: time to spend at most, None for no limit.
        anneal: the learning rate rises over the first tenth of the steps and falls to nothing until the last
            (``OneCycleLR``), and the guard looks once, at the end. Where the end is not known (``"sliding"``,
            ``"stream"``), it stays as it is.
    """

    passes: int = 5
    min_steps: int = 0
    window: int = 4
    max_frames: int = 64
    max_seconds: int | None = None
    anneal: bool = False

    def passes_over(self, windows: int) -> int:
        """Passes over a video of so many windows."""
        return max(self.passes, math.ceil(self.min_steps / windows)) if self.passes else 0


@dataclass(frozen=True)
class ReferenceSchedule:
    """The effort of an adaptation of a memory network.

    Args:
        steps: optimizer steps per video; 0 leaves the network untrained.
        max_frames: frames per video to learn from, evenly spaced; the bound on memory for long videos.
        max_seconds: time to spend at most, None for no limit.
        anneal: see `Schedule`.
    """

    steps: int = 20
    max_frames: int = 64
    max_seconds: int | None = None
    anneal: bool = False
