# SPDX-License-Identifier: Apache-2.0
"""What a person says of frames and objects, besides drawing them.

Axes: `H W` pixels of the video.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from monai_i2v.errors import UsageError

__all__ = ["MARKS", "Color", "Notes", "Review", "checked_color", "checked_name"]

MARKS = ("accepted", "rejected")
MAX_NAME = 64  # characters, as many as a segment's label has in DICOM (LO)

Color: TypeAlias = tuple[int, int, int]
"""RGB in [0, 255]."""


class Review(NamedTuple):
    """A person's verdict, and a checksum of the masks that it is about."""

    mark: str
    checksum: int


@dataclass
class Notes:
    """Verdicts on frames; names and colors of objects.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.session.notes import Notes
        >>> notes, label_map = Notes(), np.zeros((2, 2), np.int32)
        >>> notes.review(3, "accepted", label_map)
        >>> notes.mark(3, label_map), notes.mark(3, label_map + 1)  # the masks have changed since
        ('accepted', '')
    """

    reviews: dict[int, Review] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    colors: dict[int, Color] = field(default_factory=dict)

    def copy(self) -> Notes:
        """A copy that stays as it is."""
        return Notes(dict(self.reviews), dict(self.names), dict(self.colors))

    def review(self, frame: int, mark: str, label_map: np.ndarray) -> None:
        """Note a verdict on the masks (H, W) of a frame; an empty one takes it back.

        Raises:
            UsageError: When there is no such verdict.
        """
        if mark not in ("", *MARKS):
            raise UsageError(f"the review mark is {mark!r:.40}, expected one of {', '.join(MARKS)}, or '' for none.")
        self.reviews.pop(frame, None)
        if mark:
            self.reviews[frame] = Review(mark, _checksum(label_map))

    def mark(self, frame: int, label_map: np.ndarray) -> str:
        """The verdict on the masks (H, W) of a frame; empty when there is none, or the masks have changed since."""
        review = self.reviews.get(frame)
        return review.mark if review and review.checksum == _checksum(label_map) else ""


def checked_name(name: Any) -> str:
    """A name for an object.

    Raises:
        UsageError: When it is no text of one line, or too long.
    """
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise UsageError(f"the name is {name!r:.80}, expected 1 to {MAX_NAME} characters in one line; shorten it.")
    return name


def checked_color(color: Any) -> Color:
    """A color.

    Raises:
        UsageError: When it is none.
    """
    values = tuple(color) if isinstance(color, list | tuple) else ()
    if len(values) != 3 or any(type(value) is not int or not 0 <= value <= 255 for value in values):
        raise UsageError(f"the color is {color!r:.40}, expected red, green and blue from 0 to 255; choose another.")
    return values


def _checksum(label_map: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(label_map, np.int32).tobytes())
