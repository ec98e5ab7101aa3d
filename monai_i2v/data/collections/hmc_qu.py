# SPDX-License-Identifier: Apache-2.0
"""HMC-QU: the wall of the left ventricle in ultrasound, for one heart beat."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.file_tree import FileTree
from monai_i2v.data.collections.mat_series import INSTALL
from monai_i2v.data.collections.named_files import NamedFiles
from monai_i2v.data.collections.sample import Sample
from monai_i2v.errors import UsageError

__all__ = ["HMC_QU"]

# Masks exist for 109 of the 162 recordings of the apical 4-chamber view, and none for the 2-chamber view.
FIND_FILES = NamedFiles(
    media=(r"(?!A2C/)[^/]+/(?P<name>[^/]+)\.avi",), masks=(r"Mask_(?P<name>[^/]+)\.mat",), group=r"[^_\s]+"
)
SHEETS = r"(A4C|HMC.?QU)[^/]*\.(xlsx|csv)"


def find_hmc_qu(tree: FileTree) -> list[Sample]:
    """Recordings with the frames of the heart beat that has masks, which a sheet tells."""
    found = FIND_FILES(tree)
    beats = {name: frames for _, path in tree.match(SHEETS) for name, frames in _read_beats(path)}
    untold = [sample.name for sample in found if sample.is_complete and sample.name.lower() not in beats]
    if untold:
        raise UsageError(
            f"no sheet in {tree.root} tells the frames of {untold[0]}; expected A4C.xlsx, or A4C.csv with the same "
            "columns; put it there."
        )
    return [replace(sample, frames=tuple(beats.get(sample.name.lower(), ())) or None) for sample in found]


def _read_beats(path: Path) -> Iterator[tuple[str, range]]:
    """Name and frames: the first column, and the third and second from the end, which count from 1."""
    rows = [list(row) for row in (_read_csv(path) if path.suffix.lower() == ".csv" else _read_xlsx(path))]
    width = max((len(row) for row in rows), default=0)
    for row in rows:
        try:
            first, last = (int(row[column]) for column in (width - 3, width - 2))
        except (IndexError, TypeError, ValueError):
            continue  # a heading, or a recording without masks
        if 1 <= first <= last:
            yield str(row[0]).strip().lower(), range(first - 1, last)


def _read_csv(path: Path) -> Iterator[Sequence[Any]]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        yield from csv.reader(file)


def _read_xlsx(path: Path) -> Iterator[Sequence[Any]]:
    """Rows without the empty cells at their ends."""
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError as error:
        raise UsageError(
            f"{path} can only be read with openpyxl, which is not installed: {INSTALL}; or save the sheet as CSV."
        ) from error
    try:
        rows = list(load_workbook(path, data_only=True).active.iter_rows(values_only=True))
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as a sheet; it is damaged or cut off; get it again.") from error
    for row in rows:
        filled = [index for index, cell in enumerate(row) if cell is not None]
        yield row[: filled[-1] + 1] if filled else ()


HMC_QU = Collection(
    name="hmc_qu",
    title="left ventricle's wall, 4 chambers",
    modality="ultrasound",
    kind="videos",
    classes={1: "left ventricle's wall"},
    source="HMC-QU, https://www.kaggle.com/datasets/aysendegerli/hmcqu-dataset",
    terms="see the page; cite Degerli et al., Biomedical Signal Processing and Control 87, 2024",
    published={"all": 109},
    layout="HMC-QU/A4C/NAME.avi with 'LV Ground-truth Segmentation Masks/Mask_NAME.mat' and A4C.xlsx",
    find=find_hmc_qu,
    frame_size=(224, 224),
    may_have_spare_frames=True,
)
