# SPDX-License-Identifier: Apache-2.0
"""Pictures of 12 x 16 px, written in the ways in which collections store them."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from monai_i2v.data.collections import Part, find_collection, write_collection

SIZE = (12, 16)  # rows, columns


def square(value: int = 255, left: int = 2) -> np.ndarray:
    """4 x 4 px of one value, the first at row 3."""
    pixels = np.zeros(SIZE, np.uint8)
    pixels[3:7, left : left + 4] = value
    return pixels


def plant(path: Path, pixels: Any = None, mode: str | None = None, **options: Any) -> Path:
    """Save a picture, gray 99 if nothing else is said, as its suffix tells; ``.ppm.gz`` is zipped."""
    image = Image.fromarray(np.full(SIZE, 99, np.uint8) if pixels is None else pixels)
    image = image.convert(mode) if mode else image
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        content = io.BytesIO()
        image.save(content, "PPM")
        path.write_bytes(gzip.compress(content.getvalue()))
    else:
        image.save(path, **options)
    return path


def plant_litter(root: Path) -> None:
    """What operating systems leave behind, some of it named like data."""
    for name in ("Thumbs.db", ".DS_Store", "__MACOSX/images/1.png", "__MACOSX/masks/1.png", "images/._1.png"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"litter")


def write(name: str, root: Path, output: Path, **options: Any) -> dict[str, Any]:
    """The datalist of a collection, read again; paths of masks begin at its folder."""
    write_collection(Part(find_collection(name), **options), root, output)
    return json.loads(output.read_text())


def labels(path: Path) -> np.ndarray:
    """What a written mask stores."""
    return np.array(Image.open(path))
