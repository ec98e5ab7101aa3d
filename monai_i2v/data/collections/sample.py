# SPDX-License-Identifier: Apache-2.0
"""One labelled image or clip, where it lies on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Sample"]


@dataclass(frozen=True)
class Sample:
    """Files of one image or clip; nothing is opened.

    Args:
        name: its name, a plain file name, unique in its collection.
        media: the image or the recording; several pictures are the frames of a clip, in order.
        masks: files with its masks. Those of an image belong together; those of a clip go one by one with `frames`.
        group: what must not be divided between training and test, a patient where that is known.
        split: ``"training"``, ``"validation"`` or ``"test"`` of the official lists, None where there are none.
        frames: frames of the recording that the masks belong to, from 0; all, in order, when None. The clip reaches
            from the first to the last of them.

    Example::

        >>> from pathlib import Path
        >>> from monai_i2v.data.collections import Sample
        >>> Sample("01", media=(Path("01_test.tif"),), split="test").is_complete  # nobody drew a mask
        False
    """

    name: str
    media: tuple[Path, ...] = ()
    masks: tuple[Path, ...] = ()
    group: str = ""
    split: str | None = None
    frames: tuple[int, ...] | None = None

    @property
    def is_complete(self) -> bool:
        """Whether there is something to see and a mask of it."""
        return bool(self.media and self.masks)
