# SPDX-License-Identifier: Apache-2.0
"""What is known of a public collection: where it comes from, how it lies on disk, how many samples it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from monai_i2v.data.collections.check import Check
from monai_i2v.data.collections.file_tree import FileTree
from monai_i2v.data.collections.sample import Sample
from monai_i2v.errors import UsageError

__all__ = ["Collection"]


@dataclass(frozen=True, kw_only=True)
class Collection:
    """One public collection; nothing of it is contained here or downloaded.

    Args:
        name: short name, of a file.
        title: what it shows, in a few words.
        modality: how the pictures were taken.
        kind: ``"stills"`` or ``"videos"``.
        classes: names of its label values. With one class a mask is foreground and background, however the files
            store it; else they store label values, of which those that have no name here are background (a void
            border, say). Empty: whatever the files store.
        source: name and address of the official page.
        terms: under which terms its authors give it away.
        published: samples with a mask by split, or ``"all"``.
        layout: how the folder looks, for people.
        find: lists what is below a folder.
        set: what training calls it; collections that contain the same images have the same, see `write_datalist`.
        min_pixels: smallest area in which a class of an image is learned.
        frame_size: (height, width) in px to bring frames to, where masks were drawn at another size than the video's.
        may_have_spare_frames: whether clips of it have more frames than masks, or the reverse; both begin together.

    Example::

        >>> from monai_i2v.data.collections import find_collection
        >>> tn3k = find_collection("tn3k")
        >>> tn3k.kind, tn3k.classes[1], tn3k.published["test"]
        ('stills', 'thyroid nodule', 614)
    """

    name: str
    title: str
    modality: str
    kind: Literal["stills", "videos"]
    classes: Mapping[int, str]
    source: str
    terms: str
    published: Mapping[str, int]
    layout: str
    find: Callable[[FileTree], list[Sample]]
    set: str = ""
    min_pixels: int = 1
    frame_size: tuple[int, int] | None = None
    may_have_spare_frames: bool = False

    @property
    def is_binary(self) -> bool:
        """Whether its masks are foreground and background."""
        return len(self.classes) == 1

    def samples(self, root: str | Path) -> list[Sample]:
        """Everything below a folder that has a mask.

        Raises:
            UsageError: When nothing is there; it says what was expected, and where to get it.
        """
        return self._complete(self.find(FileTree(root)), root)

    def check(self, root: str | Path) -> Check:
        """What a folder holds of the collection, beside what its authors published.

        Raises:
            UsageError: When nothing is there.
        """
        found = self.find(FileTree(root))
        samples = self._complete(found, root)
        counts = Counter(sample.split for sample in samples if sample.split)
        return Check(
            {**counts, "all": len(samples)},
            {**self.published, "all": sum(self.published.values())} if self.published else {},
            [sample.name for sample in found if not sample.masks],
            [sample.name for sample in found if not sample.media],
        )

    def _complete(self, found: Sequence[Sample], root: str | Path) -> list[Sample]:
        samples = [sample for sample in found if sample.is_complete]
        if not samples:
            raise UsageError(
                f"{root} holds no labelled {self.kind} of {self.name}; expected {self.layout}; get them from "
                f"{self.source} ({self.terms}), or choose the folder that they were unpacked to."
            )
        for sample in samples:
            places = sample.media if self.kind == "stills" else {path.parent for path in sample.media}
            if len(places) > 1:
                first, second = sorted(map(str, places))[:2]
                raise UsageError(
                    f"{sample.name} of {self.name} is there twice, {first} and {second}; expected the collection once; "
                    "choose the folder of one copy."
                )
        return samples
