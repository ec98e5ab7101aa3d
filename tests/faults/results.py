# SPDX-License-Identifier: Apache-2.0
"""Results of a segmenter that copies the first mask: are they complete and right?"""

from __future__ import annotations

import json
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk  # noqa: N813
from PIL import Image

from monai_i2v.data import VideoCase
from monai_i2v.masks import read_mask
from monai_i2v.media import open_video

FILES = {"overlay.mp4", "contact_sheet.png", "areas.png", "measurements.csv", "report.html", "run.json"}
MIN_SIDE = 16  # px; networks see smaller frames enlarged


def is_new(results: Path) -> bool:
    """Whether these are results, and not those that were laid there before."""
    return os.path.isfile(results / "report.html")


def check_results(out: Path, case: VideoCase, truth: np.ndarray | None = None) -> str:
    """All files are there, and every mask is that of the reference, or of its truth where it is known; in words."""
    results = out / case.name
    names = {path.name for path in results.iterdir()}
    assert names >= FILES
    assert len(names - FILES) in (1, 2), names  # the masks
    with open_video(case.video) as video:
        info, reference = video.info, read_mask(case.ref_mask, video.info, case.ref_frame)
    assert truth is None or np.array_equal(reference, truth)
    masks = read_masks(results)
    assert masks.shape == (info.length, info.height, info.width)
    assert np.array_equal(masks[case.ref_frame], reference)
    assert set(np.unique(masks)) <= {0, *np.unique(reference)}
    if min(info.height, info.width) >= MIN_SIDE:
        assert (masks == reference).all()
    facts = json.loads((results / "run.json").read_text(encoding="utf-8"))
    lines = (results / "measurements.csv").read_text().splitlines()
    assert len(lines) == 1 + info.length * len(facts["labels"])
    assert "nan" not in (results / "measurements.csv").read_text().lower()
    unreadable = len(facts["unreadable_frames"])
    count = f"{info.length} frame{'s'[: info.length > 1]}"
    return f"masks of {count}, {info.width} x {info.height} px" + (f", {unreadable} unreadable" if unreadable else "")


def read_masks(results: Path) -> np.ndarray:
    """Masks (T, H, W), by other means than the package's; all files must say the same."""
    pictures = [np.asarray(Image.open(path)) for path in sorted(results.glob("masks/*.png"), key=by_number)]
    found = [np.stack(pictures)] if pictures else []
    for path in results.glob("masks.*"):
        if path.name.endswith(".nii.gz"):
            pixels = np.asarray(nib.load(path).dataobj)
            found.append(pixels.reshape(*pixels.shape[:2], -1).transpose(2, 1, 0))
        elif path.suffix in (".mha", ".mhd", ".nrrd"):
            pixels = sitk.GetArrayFromImage(sitk.ReadImage(path))
            found.append(pixels.reshape(-1, *pixels.shape[-2:]))
    assert all(np.array_equal(masks, found[0]) for masks in found)
    return found[0]


def by_number(path: Path) -> tuple[int, str]:
    """Order of frames."""
    return int("".join(filter(str.isdigit, path.stem)) or 0), path.stem
