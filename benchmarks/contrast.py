# SPDX-License-Identifier: Apache-2.0
"""Does the temporal contrastive loss help? Short trainings of the memory network with and without it, all else equal.

    python benchmarks/contrast.py --dataset_dir STILLS --encoder_weights FILE --output FILE.json [--data CLIPS]

Each training begins at the ImageNet encoder and takes the same clips in the same order. Scored are synthetic clips of
sets that no training has seen, and, with ``--data``, recorded clips without adaptation. The file is written after every
training; the same command again goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory
from typing import Any

import torch
from accuracy import METHODS, Bundle, measure
from arguments import numbers
from clips import find_clips
from fresh_process import in_fresh_process
from monai.bundle import ConfigParser
from scores import clip_means

from monai_i2v.files.complete_file import complete_file

BUNDLE = Path(__file__).parents[1] / "bundles" / "temporal_contrastive_memory_video_segmentation"
PRESET = "memory_only"


def main(argv: Sequence[str] | None = None) -> None:
    """Train and score what the command line asks for, and print it."""
    args = parse_args(argv)
    settings = {"steps": args.steps, "size": args.size, "torch": torch.__version__}
    rows: list[dict[str, Any]] = []
    if args.output.exists():
        found = json.loads(args.output.read_text())
        if found["settings"] != settings:
            raise SystemExit(f"{args.output} was made with {found['settings']}; give another --output.")
        rows = found["rows"]
    done = {(row["seed"], row["contrast_weight"]) for row in rows}
    for seed, weight in product(args.seeds, (args.weight, 0.0)):
        if (seed, weight) not in done:
            scores = in_fresh_process(train_and_score, seed, weight, args)
            rows.append({"seed": seed, "contrast_weight": weight, **scores})
            print(rows[-1], flush=True)
            with complete_file(args.output) as partial:
                partial.write_text(json.dumps({"rows": rows, "settings": settings}, indent=2))
    print_table(rows)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    stills = parser.add_mutually_exclusive_group(required=True)
    stills.add_argument("--dataset_dir", type=Path, help="folder of the bundle's sets")
    stills.add_argument("--datalist", type=Path, help="JSON file of other stills, see the bundle")
    parser.add_argument("--encoder_weights", type=Path, help="of the image encoder; random if not given")
    parser.add_argument("--data", type=Path, help="folder of <clip>/{frames/*.jpg, masks/*.png} to score as well")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write or continue")
    parser.add_argument("--weight", type=float, default=0.05, help="of the contrast, where it is there")
    parser.add_argument("--seeds", type=numbers, default="0,1,2", help="one pair of trainings each")
    parser.add_argument("--steps", type=int, default=500, help="of each training, four clips of three frames each")
    parser.add_argument("--size", type=int, default=192, help="of the training clips, px")
    parser.add_argument("--val_clips", type=int, default=200, help="synthetic clips to score")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the CPU")
    return parser.parse_args(argv)


def train_and_score(seed: int, weight: float, args: argparse.Namespace) -> dict[str, float]:
    """Mean Dice, in percent, of a network that was trained just so."""
    torch.set_num_threads(args.threads)
    with TemporaryDirectory() as folder:
        scores = {"synthetic": 100 * train(seed, weight, args, folder)}
        if args.data is not None:
            network = Bundle(BUNDLE, checkpoint=str(Path(folder, "model.pt")))
            found = [row for clip in find_clips(args.data) for row in measure(PRESET, METHODS[PRESET], network, clip)]
            for family in sorted({row.family for row in found}):
                scores[family] = 100 * fmean(clip_means(found, PRESET, family, "dice").values())
    return scores


def train(seed: int, weight: float, args: argparse.Namespace, folder: str) -> float:
    """Train as the bundle does, and return its own validation's Dice; the weights lie in `folder` as ``model.pt``."""
    config = ConfigParser()
    config.read_config(BUNDLE / "configs" / "train.json")
    weights = None if args.encoder_weights is None else str(args.encoder_weights)
    config.update({"bundle_root": str(BUNDLE), "encoder_weights": weights})
    config.update({"dataset_dir": str(args.dataset_dir), "datalist": args.datalist and str(args.datalist)})
    config.update({"ckpt_dir": folder, "seed": seed, "loss::contrast_weight": weight, "image_size": args.size})
    config.update({"max_epochs": 1, "steps_per_epoch": args.steps, "val_interval": 1, "val_clips": args.val_clips})
    config["num_workers"] = 0  # a spawned process would spawn them, and cannot hand them the config's functions
    config.get_parsed_content("initialize")
    config.get_parsed_content("run")
    dice: float = config.get_parsed_content("validate::evaluator").state.metrics["dice"]
    return dice


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Means over seeds, in Markdown."""
    names = [name for name in rows[0] if name not in ("seed", "contrast_weight")]
    print(f"\n| contrast weight | seeds | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}")
    for weight in sorted({row["contrast_weight"] for row in rows}, reverse=True):
        chosen = [row for row in rows if row["contrast_weight"] == weight]
        cells = [spread([row[name] for row in chosen]) for name in names]
        print(f"| {weight} | {len(chosen)} | {' | '.join(cells)} |")


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    return f"{fmean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


if __name__ == "__main__":
    main()
