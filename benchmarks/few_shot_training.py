# SPDX-License-Identifier: Apache-2.0
"""Train the light forms of all few-shot methods, one after the other, on the same episodes.

    python benchmarks/few_shot_training.py --data DIR --weights mobilenet_v2.npz

Stopped at any time, the same command goes on after the last whole epoch. Beside a method's `model.pt` stands
`training.json`: how it was made. `tables.py --tables methods` measures what lies in ``runs/few_shot``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from arguments import names_of
from grid import BUNDLES, IMAGE, TRAINED
from monai.bundle import ConfigParser

from monai_i2v.errors import UsageError, show_usage_errors_in_one_sentence
from monai_i2v.files.complete_file import complete_file
from monai_i2v.networks.few_shot import LIGHT_FORMS
from monai_i2v.report import sha256_of

CONFIGS = BUNDLES / IMAGE / "configs"
# Overlays, and the share of the budget, of methods that are trained on top of another one.
ADAPTERS = {"dra": ("few_shot_adapter.json", 4)}


def main(argv: Sequence[str] | None = None) -> None:
    """Train what the command line asks for."""
    args = parse_args(argv)
    datalist = args.output / "stills.json"
    if not datalist.exists():
        list_stills(args.data, datalist)
    for method in args.methods:
        facts = {"method": method, "epochs": epochs_of(method, args.epochs), "steps": args.steps, "seed": args.seed}
        told = args.output / method / "training.json"
        if is_done(told, facts):
            print(f"{method} is trained already.")
            continue
        write(told, facts)
        subprocess.run(command_of(method, args), check=True)
        write(told, {**facts, "model_sha256": sha256_of(told.with_name("model.pt"))})


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the stills, see the bundle's train.json")
    parser.add_argument("--weights", type=Path, required=True, help="the encoder's, trained on ImageNet")
    parser.add_argument("--methods", type=names_of("method", LIGHT_FORMS), default=list(LIGHT_FORMS), help="which ones")
    parser.add_argument("--output", type=Path, default=TRAINED, help="folder with a sub-folder per method")
    parser.add_argument("--epochs", type=int, default=16, help="a fourth of it for adapters of a trained method")
    parser.add_argument("--steps", type=int, default=125, help="of an epoch, of 8 episodes each")
    parser.add_argument("--seed", type=int, default=0, help="of weights and episodes")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="further keys of train.json")
    return parser.parse_args(argv)


def list_stills(data: Path, path: Path) -> None:
    """Write down what the bundle's training and validation learn from: to find it, all masks must be read."""
    config = ConfigParser()
    config.read_config(CONFIGS / "train.json")
    config.update({"dataset_dir": str(data.resolve())})
    parts = {"training": "train::datalist", "validation": "validate::datalist"}
    write(path, {name: config.get_parsed_content(part) for name, part in parts.items()})


def epochs_of(method: str, epochs: int) -> int:
    """Epochs of a method, of the budget that all have."""
    return max(epochs // ADAPTERS[method][1], 1) if method in ADAPTERS else epochs


def is_done(path: Path, facts: dict[str, object]) -> bool:
    """Whether the method was trained so, and not only begun.

    Raises:
        UsageError: When it was begun with another budget or seed.
    """
    told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    changed = [name for name, value in facts.items() if told and told.get(name) != value]
    if changed:
        raise UsageError(
            f"{path.parent} holds a training with another {', '.join(changed)}, expected the same to go on with it; "
            "give another --output, or delete the folder."
        )
    return "model_sha256" in told


def write(path: Path, content: dict[str, object]) -> None:
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with complete_file(path) as file:
        file.write_text(json.dumps(content, indent=1), encoding="utf-8")


def command_of(method: str, args: argparse.Namespace) -> list[str]:
    """The bundle's command that trains a method."""
    overlay = ADAPTERS[method][0] if method in ADAPTERS else None
    files = [str(CONFIGS / name) for name in ("train.json", "few_shot_train.json", overlay) if name]
    options = {
        "config_file": str(files),
        "bundle_root": BUNDLES / IMAGE,
        "datalist": args.output / "stills.json",
        "encoder_weights": args.weights,
        "method": method,
        "ckpt_dir": args.output / method,
        "stills_dir": args.output / "stills",
        "max_epochs": epochs_of(method, args.epochs),
        "steps_per_epoch": args.steps,
        "seed": args.seed,
        **dict(pair.split("=", 1) for pair in args.set),
    }
    if overlay:
        options["start_from"] = args.output / "ssp" / "model.pt"
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "monai.bundle", "run", *words]


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
