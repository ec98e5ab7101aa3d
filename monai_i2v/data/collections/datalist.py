# SPDX-License-Identifier: Apache-2.0
"""Datalists of one collection or of several: a JSON file, and beside it a folder with what had to be written."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from monai_i2v.data.collections.part import Part
from monai_i2v.data.collections.preparation import Preparation, Prepared
from monai_i2v.data.collections.sample import Sample
from monai_i2v.data.collections.sample_masks import SampleMasks
from monai_i2v.errors import UsageError
from monai_i2v.files.complete_file import complete_file
from monai_i2v.files.complete_folder import complete_folder
from monai_i2v.files.user_path import user_path

__all__ = ["VIDEOS", "write_collection", "write_datalist"]

logger = logging.getLogger(__name__)

VIDEOS = "videos"  # the section that `list_cases` reads; `read_training_list` reads the others


def write_datalist(
    output: str | Path,
    sections: Mapping[str, Sequence[Part]],
    roots: Mapping[str, str | Path],
    facts: Mapping[str, Any],
) -> dict[str, int]:
    """Write a datalist for `read_training_list` and `list_cases`.

    Masks are written as indexed PNG into a folder of the file's name beside it, images and frames only where no reader
    opens them as they lie. File and folder appear when they are complete. A sample that cannot be read, or shows no
    object, is reported and left out; an image that two collections contain is taken once.

    Args:
        output: the file, ``.json``.
        sections: ``"videos"`` for evaluation, others (``"training"`` ...) for training.
        roots: folders of the collections by name.
        facts: what else the file says: name, description, license.

    Returns:
        Number of samples of each section.

    Raises:
        UsageError: When the file cannot be written, its folder is there already, or nothing can be read.
    """
    output = user_path(output)
    if output.suffix != ".json":
        raise UsageError(f"the output is {output}, expected a file name that ends with .json; add it.")
    chosen = {
        name: [(part, part.samples(roots[part.collection.name])) for part in parts] for name, parts in sections.items()
    }
    with complete_folder(output.with_suffix("")) as folder:
        writer = _Writer(folder)
        entries = {name: list(writer.entries(parts, name == VIDEOS)) for name, parts in chosen.items()}
        entries = {name: listed for name, listed in entries.items() if listed}
        if not entries:
            raise UsageError(f"no sample for {output} can be used, for the reasons above; get the collections again.")

        def place(path: Path) -> str:
            return Path(output.stem, path.relative_to(folder)).as_posix() if path.is_relative_to(folder) else str(path)

        text = json.dumps({**facts, **entries}, indent=1, default=place)
    with complete_file(output) as partial:
        partial.write_text(text, encoding="utf-8")
    return {name: len(listed) for name, listed in entries.items()}


def write_collection(part: Part, root: str | Path, output: str | Path) -> dict[str, int]:
    """Write the datalist of one collection: a section per split, and ``"videos"`` where it has some.

    Args:
        part: the collection, or what is wanted of it.
        root: its folder.
        output: the file, see `write_datalist`.

    Returns:
        Number of samples of each section.

    Raises:
        UsageError: As `write_datalist` does.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.data import list_cases
        >>> from monai_i2v.phantoms import Phantom, save_phantom
        >>> from monai_i2v.data.collections import Part, clip_folder, write_collection
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_phantom(Phantom(length=2, size=(32, 32)), Path(folder) / "clips/heart")
        ...     write_collection(Part(clip_folder()), Path(folder) / "clips", Path(folder) / "list.json")
        ...     list_cases(datalist=f"{folder}/list.json")[0].name
        {'training': 1, 'videos': 1}
        'clip_folder_heart'
    """
    collection = part.collection
    splits = dict.fromkeys(sample.split for sample in part.samples(root))
    sections = {str(split): [replace(part, split=split)] for split in splits}
    if collection.kind == VIDEOS:
        sections[VIDEOS] = [part]
    facts = {
        "name": collection.name,
        "reference": collection.source,
        "licence": collection.terms,
        "labels": {0: "background", **collection.classes},
    }
    return write_datalist(output, sections, {collection.name: root}, facts)


class _Writer:
    """Prepares each sample once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prepared: dict[Path, Prepared] = {}
        self.owners: dict[tuple[str, str], str] = {}  # collection that a sample of a set was taken from

    def entries(self, chosen: Sequence[tuple[Part, Sequence[Sample]]], as_videos: bool) -> Iterator[dict[str, Any]]:
        """What stands in a section."""
        for part, samples in chosen:
            collection = part.collection
            set_name = collection.set or collection.name
            for sample, prepared in self._prepare(part, samples):
                if self.owners.setdefault((set_name, sample.name), collection.name) != collection.name:
                    continue
                if as_videos and prepared.case:
                    yield {"name": f"{collection.name}_{sample.name}", **prepared.case}
                if not as_videos and prepared.item:
                    yield {**prepared.item, "set": part.set or set_name}

    def _prepare(self, part: Part, samples: Sequence[Sample]) -> Iterator[tuple[Sample, Prepared]]:
        name = part.collection.name
        folder = self.folder / "-".join([name, *map(str, part.labels)])
        prepare = Preparation(SampleMasks(part.collection, part.labels), folder)
        empty = 0
        for sample in tqdm(samples, desc=name, leave=False):
            place = folder / sample.name
            if place not in self.prepared:
                self.prepared[place] = Prepared()
                try:
                    self.prepared[place] = prepare(sample)
                    empty += self.prepared[place] == Prepared()
                except UsageError as error:
                    logger.warning("%s of %s is left out: %s", sample.name, name, error)
                if self.prepared[place] == Prepared():
                    shutil.rmtree(place, ignore_errors=True)  # masks of a clip
            yield sample, self.prepared[place]
        if empty:
            logger.warning("%d samples of %s show no object and are left out.", empty, name)
