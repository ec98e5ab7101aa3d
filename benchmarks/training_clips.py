# SPDX-License-Identifier: Apache-2.0
"""Write the labelled clips on which the memory network's second stage of training learns.

    python benchmarks/training_clips.py --data DIR --output CLIPS

Sunnybrook stills become clips of two frames, end systole and end diastole of a slice (names end in
``<patient>-<number>``, 20 phases per slice), one set per diagnosis, and phantoms of each look become movies. With
``--names SC-N-`` only those patients are taken: they are held out of training, and choices are made on them.
"""

from __future__ import annotations

import argparse
import shutil
from itertools import groupby
from pathlib import Path
from typing import Any

from tqdm import tqdm

from monai_i2v.phantoms import Phantom, save_phantom
from monai_i2v.phantoms.phantom import LOOKS

PHASES = 20  # of a slice's cine, which are numbered without a gap
HELD_OUT = "SC-N-"
FIRST_SEED = 1000  # of the phantoms: those that are measured on begin at 0
PHANTOM: dict[str, Any] = {"length": 24, "size": (256, 256), "objects": 3}


def main() -> None:
    """Write what the command line asks for."""
    args = parse_args()
    stills = args.data / "cardiac_mri"
    pairs = find_pairs(sorted((stills / "masks").glob("*.png")), args.names)
    for pair in tqdm(pairs, desc="pairs", unit="clip"):
        write_pair(stills, pair, args.output / f"pairs_{pair[0].stem.split('-')[1].lower()}" / pair[0].stem)
    for look in LOOKS:
        for seed in tqdm(range(FIRST_SEED, FIRST_SEED + args.phantoms), desc=look, unit="clip"):
            phantom = Phantom(look, seed=seed, occlusion=seed % 2 == 0, leaves=seed % 4 == 1, **PHANTOM)
            save_phantom(phantom, args.output / f"phantom_{look}" / str(seed))


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of <set>/{images/*.jpg, masks/*.png}")
    parser.add_argument("--output", type=Path, required=True, help="folder to write <set>/<clip> to")
    parser.add_argument("--names", help="take names that start so; all but the held-out ones if not given")
    parser.add_argument("--phantoms", type=int, default=24, help="phantoms of each look")
    return parser.parse_args()


def find_pairs(masks: list[Path], names: str | None) -> list[list[Path]]:
    """Masks of the slices that have two."""
    kept = [path for path in masks if (path.name.startswith(names) if names else not path.name.startswith(HELD_OUT))]
    slices = [list(group) for _, group in groupby(kept, key=slice_of)]
    return [paths for paths in slices if len(paths) == 2]


def slice_of(mask: Path) -> tuple[str, int]:
    """Patient and number of the slice."""
    patient, _, number = mask.stem.rpartition("-")
    return patient, (int(number) - 1) // PHASES


def write_pair(stills: Path, masks: list[Path], folder: Path) -> None:
    """A clip of two frames."""
    for index, mask in enumerate(masks):
        for source, target in ((stills / "images" / f"{mask.stem}.jpg", "frames"), (mask, "masks")):
            (folder / target).mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / target / f"{index:05d}{source.suffix}")


if __name__ == "__main__":
    main()
