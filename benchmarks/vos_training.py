# SPDX-License-Identifier: Apache-2.0
"""Train the light forms of all trackers, one after the other, from the same encoder on the same clips.

    python benchmarks/vos_training.py --data DIR --weights mobilenet_v2.npz

Stopped at any time, the same command goes on after the last whole epoch. Beside a method's `model.pt`, the weights of
its last step, stands `training.json`: how it was made. `tables.py --tables video` measures what lies in ``runs/vos``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from grid import BUNDLES, MEMORY, TRAINED_TRACKERS
from training_in_turn import STILLS, bundle_command, train_in_turn, training_parser

from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.networks.vos import LIGHT_FORMS

CONFIGS = BUNDLES / MEMORY / "configs"


def main(argv: Sequence[str] | None = None) -> None:
    """Train what the command line asks for."""
    parser = training_parser(__doc__, LIGHT_FORMS, TRAINED_TRACKERS)
    parser.add_argument("--epochs", type=int, default=16, help="of all methods")
    parser.add_argument("--steps", type=int, default=250, help="of an epoch, of 4 clips each")
    train_in_turn(parser.parse_args(argv), CONFIGS / "train.json", command_of)


def command_of(method: str, args: argparse.Namespace) -> list[str]:
    """The bundle's command that trains a method."""
    return bundle_command(
        [CONFIGS / "train.json", CONFIGS / "vos_train.json"],
        args,
        bundle_root=BUNDLES / MEMORY,
        datalist=args.output / STILLS,
        encoder_weights=args.weights,
        method=method,
        ckpt_dir=args.output / method,
        stills_dir=args.output / "stills",
        max_epochs=args.epochs,
        steps_per_epoch=args.steps,
        seed=args.seed,
    )


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
