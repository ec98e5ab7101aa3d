# SPDX-License-Identifier: Apache-2.0
"""Masks for other annotation tools: COCO with run lengths, and Datumaro, both of which CVAT reads.

Axes: `H W` pixels of the video.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from monai_i2v.files.complete_file import complete_file
from monai_i2v.media import Video
from monai_i2v.media.frame_folder import FrameFolder

__all__ = ["ExchangeFiles", "run_length_text"]


class _Mask(NamedTuple):
    label: int
    runs: str
    box: list[int]
    area: int


class ExchangeFiles:
    """Collects the masks of a video, and writes them for other tools.

    Args:
        video: that the masks belong to.
        names: of the objects, by label.

    Example::

        >>> import json, tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from monai_i2v.masks.exchange import ExchangeFiles
        >>> from monai_i2v.phantoms import Phantom
        >>> files = ExchangeFiles(Phantom(length=1, size=(16, 16)), {1: "ventricle"})
        >>> files.add(0, np.eye(16, dtype=int))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     files.save_coco(Path(folder, "coco.json"))
        ...     json.loads(Path(folder, "coco.json").read_text())["annotations"][0]["bbox"]
        [0, 0, 16, 16]
    """

    def __init__(self, video: Video, names: Mapping[int, str]) -> None:
        self.names, self.files = dict(names), _frame_files(video)
        self.size = [video.info.height, video.info.width]
        self.found: dict[int, list[_Mask]] = {}

    def add(self, index: int, label_map: np.ndarray) -> None:
        """Take the label map (H, W) of a frame."""
        masks = ((label, label_map == label) for label in self.names)
        self.found[index] = [
            _Mask(label, run_length_text(mask), _box(mask), int(mask.sum())) for label, mask in masks if mask.any()
        ]

    def save_coco(self, path: Path) -> None:
        """Write COCO's object annotations; they are crowds, as CVAT then keeps them as masks.

        Raises:
            UsageError: When the file cannot be written.
        """
        masks = [(frame, mask) for frame in sorted(self.found) for mask in self.found[frame]]
        height, width = self.size
        content = {
            "info": {},
            "licenses": [],
            "categories": [{"id": label, "name": name, "supercategory": ""} for label, name in self.names.items()],
            "images": [
                {"id": frame + 1, "file_name": file, "width": width, "height": height}
                for frame, file in enumerate(self.files)
            ],
            "annotations": [
                {
                    "id": number,
                    "image_id": frame + 1,
                    "category_id": mask.label,
                    "iscrowd": 1,
                    "area": mask.area,
                    "bbox": mask.box,
                    "segmentation": {"size": self.size, "counts": mask.runs},
                }
                for number, (frame, mask) in enumerate(masks, start=1)
            ],
        }
        with complete_file(path) as partial:
            partial.write_text(json.dumps(content), encoding="utf-8")

    def save_datumaro(self, path: Path) -> None:
        """Write a zip archive of a Datumaro dataset without its pictures.

        Raises:
            UsageError: When the file cannot be written.
        """
        labels = [{"name": name, "parent": "", "attributes": []} for name in self.names.values()]
        content = {
            "info": {},
            "categories": {"label": {"labels": labels, "attributes": []}},
            "items": [self._item(frame, file) for frame, file in enumerate(self.files)],
        }
        with complete_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("annotations/default.json"), json.dumps(content))

    def _item(self, frame: int, file: str) -> dict[str, Any]:
        common = {"id": 0, "type": "mask", "attributes": {}, "group": 0, "z_order": 0}
        ranks = list(self.names)
        masks = [
            {**common, "label_id": ranks.index(mask.label), "rle": {"counts": mask.runs, "size": self.size}}
            for mask in self.found.get(frame, [])
        ]
        image = {"path": file, "size": self.size}
        return {"id": Path(file).stem, "annotations": masks, "attr": {"frame": frame}, "image": image}


def run_length_text(mask: np.ndarray) -> str:
    """A mask (H, W), bool, as COCO packs it: lengths of runs down the columns, zeros first, as differences in text.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.masks.exchange import run_length_text
        >>> run_length_text(np.array([[0, 1], [1, 1]], bool))
        '13'
    """
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat.astype(np.int8), prepend=0))
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    earlier = [0, 0, 0, *counts[1:]]
    return "".join(_number_text(count - before) for count, before in zip(counts, earlier, strict=False))


def _number_text(number: int) -> str:
    """Five bits per character, the lowest first; a sixth says whether more follow."""
    text, more = "", True
    while more:
        bits, number = number & 31, number >> 5
        more = number != (-1 if bits & 16 else 0)
        text += chr(48 + (bits | 32 if more else bits))
    return text


def _box(mask: np.ndarray) -> list[int]:
    """Left, top, width and height of a mask that is not empty."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    left, top = int(columns[0]), int(rows[0])
    return [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1]


def _frame_files(video: Video) -> list[str]:
    """What CVAT calls the frames: those of a folder by their names, those of a movie by their numbers."""
    if isinstance(video, FrameFolder) and len({picture.path for picture in video.pictures}) == len(video):
        return [picture.path.name for picture in video.pictures]
    return [f"frame_{index:06d}.PNG" for index in range(len(video))]
