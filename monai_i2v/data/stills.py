# SPDX-License-Identifier: Apache-2.0
"""Labelled still images on disk, as MONAI datalist items."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
from PIL import Image
from tqdm import tqdm

from monai_i2v.data.training_sets import choose_sets, classes_of
from monai_i2v.errors import UsageError

__all__ = ["Still", "find_stills"]

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}
EXPECTED_TREE = "<folder>/<set>/images/<name>.jpg with <folder>/<set>/masks/<name>.png (0 = background)"


class Still(TypedDict):
    """One labelled image."""

    image: str
    label: str
    set: str
    classes: list[int]


def find_stills(
    folder: str | Path,
    sets: Sequence[str] | None = None,
    *,
    min_share: float = 0.01,
    exclude: Sequence[str] = (),
) -> list[Still]:
    """List the labelled images below a folder, set by set.

    Args:
        folder: folder with one sub-folder per set, each with ``images/`` and ``masks/``; a pair has the same stem.
        sets: names of the sets to take; all when None.
        min_share: smallest share of the image that a class must cover to be listed for it.
        exclude: starts of file names to leave out (held-out patients).

    Returns:
        Items ``{"image", "label", "set", "classes"}``; images without any such class are left out.

    Raises:
        UsageError: When the folder or a set is missing, or nothing usable is in it.
    """
    root = Path(folder)
    found = {path.parent.name for path in root.glob("*/images")}
    chosen = choose_sets(root, sets, found, kind="images", expected=EXPECTED_TREE)
    pairs = [(name, image, mask) for name in chosen for image, mask in _pairs(root / name)]
    pairs = [pair for pair in pairs if not pair[1].name.startswith(tuple(exclude))]
    stills = [
        Still(image=str(image), label=str(mask), set=name, classes=classes)
        for name, image, mask in tqdm(pairs, desc="reading masks", unit="image", leave=False)
        if (classes := _classes(mask, min_share))
    ]
    if not stills:
        raise UsageError(f"no mask in {root} covers {min_share:.0%} of its image; expected {EXPECTED_TREE}.")
    return stills


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    masks = {path.stem: path for path in (folder / "masks").iterdir() if path.suffix.lower() in IMAGE_SUFFIXES}
    images = sorted(path for path in (folder / "images").iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    return [(path, masks[path.stem]) for path in images if path.stem in masks]


def _classes(mask: Path, min_share: float) -> list[int]:
    with Image.open(mask) as picture:
        return classes_of(np.asarray(picture), min_share)
