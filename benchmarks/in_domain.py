# SPDX-License-Identifier: Apache-2.0
"""What would weights gain that had learned from videos of the kind they are asked for? (TCMN's paper does that.)

    python benchmarks/in_domain.py --data CLIPS --starts tcmn=runs/vos/tcmn/model.pt stcn=runs/vos/stcn/model.pt

The clips of a family are dealt into folds. On all others but a fold's, each method goes on learning from its weights,
which learned from stills; then the fold's own clips are measured. ``shipped`` starts from the bundle's weights. What is
trained is for the table alone. Stopped at any time, the same command goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clips import Clip, find_clips
from family_table import BUNDLE, COPY, Table, measure_missing
from training_in_turn import bundle_command, is_done, run_training, write

from monai_i2v.errors import UsageError, show_usage_errors_in_one_sentence
from monai_i2v.report import sha256_of

CONFIGS = BUNDLE / "configs"
SHIPPED = "shipped"
AFTER = " in domain"
"""What is added to the name of a method that learned from the other clips."""


def main(argv: Sequence[str] | None = None) -> None:
    """Train and measure what the command line asks for, and print it."""
    args = parse_args(argv)
    clips = [clip for clip in find_clips(args.data) if clip.name.startswith(args.family)]
    if len(clips) < args.folds:
        raise UsageError(f"{args.data} has {len(clips)} clips of {args.family!r}, expected at least {args.folds}.")
    folds = [clips[fold :: args.folds] for fold in range(args.folds)]
    starts = {SHIPPED: BUNDLE / "models/model.pt", **dict(args.starts)}
    table = Table(args.output, args.family)
    measure_missing(table, COPY, {}, clips)
    for name, weights in starts.items():
        measure_missing(table, name, settings_of(name, weights), clips)
        for fold, held_out in enumerate(folds):
            folder = args.output / name / str(fold)
            told, facts = folder / "training.json", facts_of(weights, held_out, args)
            if not is_done(told, facts):
                others = [clip for clip in clips if clip not in held_out]
                run_training(command_of(name, weights, others, held_out, folder, args), told, facts)
            measure_missing(table, name + AFTER, settings_of(name, folder / "model.pt"), held_out)
    print("| % | J | F | Dice |\n| --- | --- | --- | --- |")
    for name in table.cells:
        print(
            f"| {name} | {' | '.join(f'{100 * table.score(name, args.family, s):.1f}' for s in ('j', 'f', 'dice'))} |"
        )


def facts_of(weights: Path, held_out: Sequence[Clip], args: argparse.Namespace) -> dict[str, Any]:
    """What a training is told by."""
    clips = [clip.name for clip in held_out]
    return {"start": sha256_of(weights), "held_out": clips, "steps": args.steps, "seed": args.seed, "set": args.set}


def settings_of(name: str, weights: Path) -> dict[str, Any]:
    """A candidate as `family_table.py` reads it."""
    light = {"network_def": {"_target_": "monai_i2v.networks.vos.light_network", "method": name}}
    return {"checkpoint": str(weights.resolve()), **({} if name == SHIPPED else light)}


def command_of(
    name: str,
    weights: Path,
    learned: Sequence[Clip],
    held_out: Sequence[Clip],
    folder: Path,
    args: argparse.Namespace,
) -> list[str]:
    """The bundle's command that goes on from weights; it looks at the clips that are held out after its last step."""
    parts = {"training": learned, "validation": held_out}
    write(folder / "clips.json", {part: [item_of(args.data, clip) for clip in some] for part, some in parts.items()})
    network = f"$monai_i2v.data.load_checkpoint(@network_def, {str(weights.resolve())!r})"
    return bundle_command(
        [CONFIGS / "train.json", CONFIGS / "vos_train.json"],
        args,
        bundle_root=BUNDLE,
        datalist=folder / "clips.json",
        network=network + ".to(@device, memory_format=torch.channels_last)",
        method="tcmn" if name == SHIPPED else name,
        ckpt_dir=folder,
        stills_dir=args.output / "stills",
        max_epochs=1,
        steps_per_epoch=args.steps,
        learning_rate=3e-4,
        hard_share="$lambda iteration: 0.15",
        seed=args.seed,
    )


def item_of(data: Path, clip: Clip) -> dict[str, str]:
    """A clip as training lists name it; each is drawn as often as the others."""
    folder = (data / clip.name).resolve()
    return {"image": str(folder / "frames"), "label": str(folder / "masks"), "set": clip.name}


def start_of(text: str) -> tuple[str, Path]:
    """``method=weights``."""
    name, _, path = text.partition("=")
    if not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} names no file of weights, expected METHOD=FILE")
    return name, Path(path)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of <clip>/{frames/*.jpg, masks/*.png}")
    parser.add_argument("--starts", type=start_of, nargs="*", default=[], metavar="METHOD=FILE", help="light forms")
    parser.add_argument("--family", default="polyp", help="whose clips")
    parser.add_argument("--folds", type=int, default=4, help="into which the clips are dealt")
    parser.add_argument("--steps", type=int, default=300, help="of a training, of 4 clips each")
    parser.add_argument("--seed", type=int, default=0, help="of the clips that are drawn")
    parser.add_argument("--output", type=Path, default=Path("runs/in_domain"), help="folder to write or continue")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="further keys of train.json")
    return parser.parse_args(argv)


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
