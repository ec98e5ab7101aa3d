# SPDX-License-Identifier: Apache-2.0
"""Train the light forms of all few-shot methods, one after the other, on the same episodes.

    python benchmarks/few_shot_training.py --data DIR --weights mobilenet_v2.npz

Stopped at any time, the same command goes on after the last whole epoch. Beside a method's `model.pt` stands
`training.json`: how it was made. `tables.py --tables methods` measures what lies in ``runs/few_shot``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from grid import BUNDLES, IMAGE, TRAINED
from training_in_turn import STILLS, bundle_command, train_in_turn, training_parser

from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.networks.few_shot import LIGHT_FORMS

CONFIGS = BUNDLES / IMAGE / "configs"
# Overlays, and the share of the budget, of methods that are trained on top of another one.
ADAPTERS = {"dra": ("few_shot_adapter.json", 4)}


def main(argv: Sequence[str] | None = None) -> None:
    """Train what the command line asks for."""
    parser = training_parser(__doc__, LIGHT_FORMS, TRAINED)
    parser.add_argument("--epochs", type=int, default=16, help="a fourth of it for adapters of a trained method")
    parser.add_argument("--steps", type=int, default=125, help="of an epoch, of 8 episodes each")
    train_in_turn(parser.parse_args(argv), CONFIGS / "train.json", command_of, epochs_of)


def epochs_of(method: str, epochs: int) -> int:
    """Epochs of a method, of the budget that all have."""
    return max(epochs // ADAPTERS[method][1], 1) if method in ADAPTERS else epochs


def command_of(method: str, args: argparse.Namespace) -> list[str]:
    """The bundle's command that trains a method."""
    overlay = ADAPTERS[method][0] if method in ADAPTERS else None
    files = [CONFIGS / name for name in ("train.json", "few_shot_train.json", overlay) if name]
    return bundle_command(
        files,
        args,
        bundle_root=BUNDLES / IMAGE,
        datalist=args.output / STILLS,
        encoder_weights=args.weights,
        method=method,
        ckpt_dir=args.output / method,
        stills_dir=args.output / "stills",
        max_epochs=epochs_of(method, args.epochs),
        steps_per_epoch=args.steps,
        seed=args.seed,
        **({"start_from": args.output / "ssp" / "model.pt"} if overlay else {}),
    )


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
