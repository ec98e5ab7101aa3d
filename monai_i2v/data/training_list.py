# SPDX-License-Identifier: Apache-2.0
"""Labelled stills and clips that a JSON file lists: MONAI's datalist (as of the Medical Segmentation Decathlon)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from monai.data import load_decathlon_datalist
from monai.transforms import LoadImage

from monai_i2v.data.training_sets import classes_of
from monai_i2v.data.video_reader import VideoReader
from monai_i2v.errors import UsageError

__all__ = ["read_training_list"]

EXPECTED = '{"training": [{"image": "a.png", "label": "a_mask.png"}], "validation": [...]}'


def read_training_list(path: str | Path, section: str = "training") -> list[dict[str, Any]]:
    """Read what a training learns from.

    An item names an image and its label map, or a clip (movie, folder of frames ...) and its masks; relative paths
    start at the file's folder. ``"set"`` says to which collection it belongs (all items of a file are one when missing;
    sets are drawn from evenly), ``"classes"`` which label values are learned (those of the label, or of its first
    frame, when missing).

    Args:
        path: the JSON file.
        section: the list in it, ``"training"`` or ``"validation"``.

    Returns:
        Items ``{"image", "label", "set", "classes"}``; those without an object are left out.

    Raises:
        UsageError: When the file cannot be read, has no such list, or an item lacks a file.
    """
    if not Path(path).is_file():
        raise UsageError(f"there is no datalist {path}; expected a JSON file like {EXPECTED}.")
    try:
        items = load_decathlon_datalist(str(path), True, section, str(Path(path).parent))
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} has no list {section!r} that can be read; expected {EXPECTED}.") from error
    complete = [_complete(dict(item), Path(path)) for item in items]
    complete = [item for item in complete if item["classes"]]
    if not complete:
        raise UsageError(f"no label in the list {section!r} of {path} shows an object; expected {EXPECTED}.")
    return complete


def _complete(item: dict[str, Any], path: Path) -> dict[str, Any]:
    for key in ("image", "label"):
        if not isinstance(item.get(key), str) or not Path(item[key]).exists():
            raise UsageError(
                f"an item of {path} has {key} {item.get(key)!r}, which does not exist; expected {EXPECTED}."
            )
    item.setdefault("set", path.stem)
    if "classes" not in item:
        label = LoadImage(reader=VideoReader(labels=True), ensure_channel_first=True)(item["label"])
        first = label[..., 0] if label.ndim == 4 else label
        item["classes"] = classes_of(np.asarray(first))
    return item
