# SPDX-License-Identifier: Apache-2.0
"""What a session knows of a frame.

Axes: `H W` pixels of the video.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["SessionFrame"]


@dataclass(frozen=True)
class SessionFrame:
    """Masks and confidence of one frame; see `VideoSession`."""

    index: int
    label_map: np.ndarray  # (H, W), int32
    confidence: Mapping[int, float]  # by label, in [0, 1]; 1 where a person drew it
    review: str = ""  # "accepted" or "rejected" by a person; empty when not, or when the masks have changed since
