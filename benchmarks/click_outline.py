# SPDX-License-Identifier: Apache-2.0
"""How good are outlines from a box and clicks?

    python benchmarks/click_outline.py DATA/breast_us DATA/polyp_kvasir ...

takes folders with ``images/*.jpg`` and ``masks/*.png`` of the same names; of each the first images by the order of the
names, long side 256 px, and their largest object. The box has a margin of 10 %; each click goes to the middle of the
largest error. Prints the mean Dice after each click, as Markdown.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
from PIL import Image

from monai_i2v.session import outline_by_clicks

SIDE = 256  # px
MARGIN = 0.1  # of the box
CLICKS = 6


def read_pair(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Picture (H, W, 3), and the largest object (H, W), bool."""
    picture, labels = Image.open(path).convert("RGB"), Image.open(path.parents[1] / "masks" / f"{path.stem}.png")
    scale = SIDE / max(picture.size)
    size = (round(picture.width * scale), round(picture.height * scale))
    mask = np.array(labels.resize(size, Image.Resampling.NEAREST)) > 0
    parts = sitk.RelabelComponent(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8))))
    return np.array(picture.resize(size, Image.Resampling.BILINEAR)), sitk.GetArrayFromImage(parts) == 1


def middle(wrong: np.ndarray) -> tuple[int, int]:
    """Column and row that are farthest from the border of a mask."""
    padded = sitk.GetImageFromArray(np.pad(wrong, 1).astype(np.uint8))
    depth = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(padded, insideIsPositive=True, squaredDistance=False))
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(column) - 1, int(row) - 1


def dice_after_clicks(picture: np.ndarray, truth: np.ndarray) -> tuple[list[float], float]:
    """After 1, 2 ... clicks, and the mean seconds of an outline."""
    rows, columns = np.nonzero(truth)
    wide, high = (int(MARGIN * np.ptp(values)) + 2 for values in (columns, rows))
    left, top = max(0, int(columns.min()) - wide), max(0, int(rows.min()) - high)
    right, bottom = min(truth.shape[1] - 1, int(columns.max()) + wide), min(truth.shape[0] - 1, int(rows.max()) + high)
    inside = [middle(truth)]
    outside: list[tuple[int, int]] = []
    scores, begun = [], time.process_time()
    for _ in range(CLICKS):
        mask = outline_by_clicks(picture, inside, outside, ((left, top), (right, bottom)))
        scores.append(2 * float((mask & truth).sum()) / float(mask.sum() + truth.sum()))
        missing, extra = truth & ~mask, mask & ~truth
        if missing.any() or extra.any():
            wrong, points = (missing, inside) if missing.sum() >= extra.sum() else (extra, outside)
            points.append(middle(wrong))
    return scores, (time.process_time() - begun) / CLICKS


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=6, help="images of each folder")
    args = parser.parse_args()
    print(f"| set |{''.join(f' {k + 1} |' for k in range(CLICKS))} ms |\n| --- |{' ---: |' * (CLICKS + 1)}")
    everything = []
    for folder in args.folders:
        paths = sorted((folder / "images").glob("*.jpg"))[: 2 * args.count]  # some show no object
        pairs = [read_pair(path) for path in paths]
        found = [dice_after_clicks(*pair) for pair in [pair for pair in pairs if pair[1].any()][: args.count]]
        everything += found
        print_row(folder.name, found)
    print_row("mean", everything)


def print_row(name: str, found: list[tuple[list[float], float]]) -> None:
    """One line of the table."""
    scores = np.mean([one[0] for one in found], axis=0)
    print(
        f"| {name} |{''.join(f' {score:.3f} |' for score in scores)} {1000 * np.mean([one[1] for one in found]):.0f} |"
    )


if __name__ == "__main__":
    main()
