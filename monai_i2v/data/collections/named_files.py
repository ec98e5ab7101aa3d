# SPDX-License-Identifier: Apache-2.0
"""Which mask belongs to which image: their paths share a name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from monai_i2v.data.collections.file_tree import FileTree
from monai_i2v.data.collections.sample import Sample
from monai_i2v.files.natural_order import natural_key

__all__ = ["NamedFiles"]

SPLITS = {"tr": "training", "va": "validation", "te": "test"}  # by the first letters of what collections call them


@dataclass(frozen=True)
class NamedFiles:
    """Find samples by regular expressions for the ends of paths, see `FileTree.match`.

    An expression names its parts: ``name`` (``name1``, ``name2`` ...), which image and mask share whatever its case,
    and ``split`` where folders tell it. Of several expressions the first that fits something counts, for each name.

    Args:
        media: expressions for images or recordings; there may be several pictures of one name, the frames of a clip.
        masks: expressions for masks; there may be several of one name.
        group: expression for the part of a name that all samples of a patient share.
        lists: expressions for the official lists by split: text files that begin each line with a name or a group.
        otherwise: split of what is on no list.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.data.collections.file_tree import FileTree
        >>> from monai_i2v.data.collections.named_files import NamedFiles
        >>> find = NamedFiles(media=(r"(?P<name>\\d+)\\.jpg",), masks=(r"(?P<name>\\d+)_mask\\.png",))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("7.JPG", "7_mask.png", "8.jpg"):
        ...         _ = Path(folder, name).write_bytes(b"")
        ...     [(sample.name, sample.is_complete) for sample in find(FileTree(folder))]
        [('7', True), ('8', False)]
    """

    media: tuple[str, ...]
    masks: tuple[str, ...]
    group: str = ".+"
    lists: Mapping[str, str] = field(default_factory=dict)
    otherwise: str | None = None

    def __call__(self, tree: FileTree) -> list[Sample]:
        media, masks = _collect(tree, self.media), _collect(tree, self.masks)
        lists = {split: _read_lists(tree, pattern) for split, pattern in self.lists.items()}
        numbers = Counter(name for _, name in masks | media)  # some collections count anew in each split
        samples = []
        for key, (sample, _) in (masks | media).items():
            match = re.match(self.group, sample.name, re.IGNORECASE)
            group = match[0] if match else sample.name
            listed = next((split for split, names in lists.items() if {sample.name, group} & names), self.otherwise)
            name = f"{sample.split}_{sample.name}" if numbers[key[1]] > 1 else sample.name
            found = replace(sample, name=name, media=_paths(media, key), masks=_paths(masks, key))
            samples.append(replace(found, group=group, split=sample.split or listed))
        return sorted(samples, key=lambda sample: natural_key(Path(sample.name)))


Found = dict[tuple[str | None, str], tuple[Sample, list[Path]]]


def _collect(tree: FileTree, patterns: tuple[str, ...]) -> Found:
    found: Found = {}
    for pattern in patterns:
        fitting: Found = {}
        for match, path in tree.match(pattern):
            parts = match.groupdict()
            name = "_".join(parts[key] for key in parts if key.startswith("name")).replace("/", "_")
            split = SPLITS.get((parts.get("split") or "")[:2].lower())
            fitting.setdefault((split, name.lower()), (Sample(name, split=split), []))[1].append(path)
        found = fitting | found
    return found


def _paths(found: Found, key: tuple[str | None, str]) -> tuple[Path, ...]:
    return tuple(found[key][1]) if key in found else ()


def _read_lists(tree: FileTree, pattern: str) -> set[str]:
    texts = (path.read_text(encoding="utf-8", errors="replace") for _, path in tree.match(pattern))
    return {Path(line.split()[0]).stem for text in texts for line in text.splitlines() if line.strip()}
