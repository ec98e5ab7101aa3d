# SPDX-License-Identifier: Apache-2.0
"""What of a collection goes into a section of a datalist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.hold_out import hold_out
from monai_i2v.data.collections.sample import Sample
from monai_i2v.errors import UsageError

__all__ = ["Part"]


@dataclass(frozen=True)
class Part:
    """Samples of a collection that go into a section.

    Args:
        collection: the collection.
        split: ``"training"``, ``"validation"`` or ``"test"``; all when None.
        held_out: share of the patients to train on that become the validation split, see `hold_out`.
        labels: label values to keep; all when empty.
        set: what training calls it; as the collection says when empty.

    Example::

        >>> from monai_i2v.data.collections import Part, find_collection
        >>> Part(find_collection("camus"), split="test", labels=[1, 3]).held_out
        0.0
    """

    collection: Collection
    split: str | None = None
    held_out: float = 0.0
    labels: Sequence[int] = ()
    set: str = ""

    def samples(self, root: str | Path) -> list[Sample]:
        """Those below a folder.

        Raises:
            UsageError: When there are none.
        """
        samples = hold_out(self.collection.samples(root), self.held_out)
        chosen = [sample for sample in samples if self.split in (None, sample.split)]
        if not chosen:
            there = sorted({sample.split for sample in samples if sample.split})
            raise UsageError(
                f"{root} has no split {self.split!r} of {self.collection.name}; expected one of {', '.join(there)}; "
                "choose one, or hold out a share of the patients."
            )
        return chosen
