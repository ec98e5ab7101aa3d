# SPDX-License-Identifier: Apache-2.0
"""What a person draws or forgets, and which tracks end by it.

Axes: `H W` pixels of the video.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.masks.mask_files import MAX_LABEL
from monai_i2v.tracking import Tracker
from monai_i2v.tracking.drawn_masks import checked_label_map, without_object
from monai_i2v.tracking.standing_tracks import tracks_without_frame, tracks_without_object

__all__ = ["drawn_over", "forget_frame", "forget_object", "replace_frame"]


def drawn_over(tracker: Tracker, frame: int, masks: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    """What is drawn in a frame once some objects are drawn over what was drawn there; nothing changes yet.

    Args:
        tracker: of the video.
        frame: its index.
        masks: (H, W), bool or whole numbers, of which all but 0 are the object, by label; the later one counts.

    Returns:
        Masks (H, W), bool, by label.

    Raises:
        UsageError: When there is no such frame or label, an object that nobody knows is empty, or as
            `checked_label_map`.
    """
    drawn = dict(tracker.drawn.get(frame, {}))
    for label, mask in masks.items():
        label, mask = _checked(tracker, frame, label, mask)
        drawn = {**{other: old & ~mask for other, old in drawn.items()}, label: mask}
    return drawn


def replace_frame(tracker: Tracker, frame: int, masks: dict[int, np.ndarray]) -> None:
    """Draw a frame, by label; tracks that know what was drawn there before begin anew."""
    if frame in tracker.drawn:
        _end_tracks_that_know(tracker, frame)
    tracker.drawn[frame] = masks


def forget_frame(tracker: Tracker, frame: int) -> None:
    """Forget what was drawn in a frame, and the objects that are seen in no other one."""
    _end_tracks_that_know(tracker, frame)
    gone = {label for label, mask in tracker.drawn.pop(frame).items() if mask.any()}
    seen = {label for masks in tracker.drawn.values() for label, mask in masks.items() if mask.any()}
    for label in gone - seen:
        forget_object(tracker, label)


def forget_object(tracker: Tracker, label: int) -> None:
    """Forget an object in all frames."""
    tracker.drawn = without_object(tracker.drawn, label)
    tracker.tracks = tracks_without_object(tracker.tracks, tracker.drawn, label)


def _checked(tracker: Tracker, frame: int, label: int, mask: np.ndarray) -> tuple[int, np.ndarray]:
    if isinstance(label, bool) or not isinstance(label, int | np.integer) or not 1 <= label <= MAX_LABEL:
        raise UsageError(f"label is {label!r}, expected a whole number from 1 to {MAX_LABEL}; 0 is the background.")
    drawn = checked_label_map(frame, mask, tracker.frames) > 0
    if not drawn.any() and label not in tracker.labels:
        raise UsageError(f"the mask of object {label} is empty, expected the object; draw it in a frame first.")
    return int(label), drawn


def _end_tracks_that_know(tracker: Tracker, frame: int) -> None:
    supports = tracker.network.takes_supports
    tracker.tracks = tracks_without_frame(tracker.tracks, tracker.drawn, frame, supports=supports)
