# SPDX-License-Identifier: Apache-2.0
"""Train methods that are to be compared, one after the other: the same stills, budget and seed."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from arguments import names_of
from monai.bundle import ConfigParser

from monai_i2v.errors import UsageError
from monai_i2v.files.complete_file import complete_file
from monai_i2v.report import sha256_of

__all__ = ["bundle_command", "is_done", "list_stills", "run_training", "training_parser", "train_in_turn", "write"]

STILLS = "stills.json"


def training_parser(about: str | None, methods: Collection[str], output: Path) -> argparse.ArgumentParser:
    """The part of the command line that all comparisons share.

    Args:
        about: text of the help.
        methods: their names, in the order in which they are trained.
        output: folder with a sub-folder per method, if no other is given.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the stills, see the bundle's train.json")
    parser.add_argument("--weights", type=Path, required=True, help="the encoder's, trained on ImageNet")
    parser.add_argument("--methods", type=names_of("method", methods), default=list(methods), help="which ones")
    parser.add_argument("--output", type=Path, default=output, help="folder with a sub-folder per method")
    parser.add_argument("--seed", type=int, default=0, help="of weights and data")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="further keys of train.json")
    return parser


def train_in_turn(
    args: argparse.Namespace,
    config: Path,
    command_of: Callable[[str, argparse.Namespace], list[str]],
    epochs_of: Callable[[str, int], int] = lambda _, epochs: epochs,
) -> None:
    """Train what the command line asks for and is not trained yet; stopped, it goes on after the last whole epoch.

    Args:
        args: what `training_parser` gave, with ``epochs`` and ``steps``.
        config: the bundle's ``train.json``, which says what the stills are.
        command_of: from a method to the command that trains it.
        epochs_of: from a method and the budget's epochs to the method's.
    """
    if not (args.output / STILLS).exists():
        list_stills(args.data, config, args.output / STILLS)
    for method in args.methods:
        facts = {"method": method, "epochs": epochs_of(method, args.epochs), "steps": args.steps, "seed": args.seed}
        told = args.output / method / "training.json"
        if is_done(told, facts):
            print(f"{method} is trained already.")
            continue
        run_training(command_of(method, args), told, facts)


def run_training(command: Sequence[str], told: Path, facts: Mapping[str, object]) -> None:
    """Train, and tell beside the weights how: before, and with their SHA-256 after.

    Raises:
        UsageError: When the training fails; it says why by itself.
    """
    write(told, facts)
    try:
        subprocess.run(command, check=True)
    except subprocess.CalledProcessError as error:
        raise UsageError(
            f"the training in {told.parent} ended with exit status {error.returncode}; what it says stands above; "
            "mend that and give the same command, which goes on."
        ) from error
    write(told, {**facts, "model_sha256": sha256_of(told.with_name("model.pt"))})


def list_stills(data: Path, config: Path, path: Path) -> None:
    """Write down what a bundle's training and validation learn from: to find it, all masks must be read."""
    parser = ConfigParser()
    parser.read_config(config)
    parser.update({"dataset_dir": str(data.resolve())})
    parts = {"training": "train::datalist", "validation": "validate::datalist"}
    write(path, {name: parser.get_parsed_content(part) for name, part in parts.items()})


def is_done(path: Path, facts: Mapping[str, object]) -> bool:
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


def write(path: Path, content: Mapping[str, object]) -> None:
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with complete_file(path) as file:
        file.write_text(json.dumps(content, indent=1), encoding="utf-8")


def bundle_command(files: Sequence[Path], args: argparse.Namespace, **options: Any) -> list[str]:
    """The command that trains with a bundle's configs and these options; those of ``--set`` come last."""
    given = {
        "config_file": str([str(file) for file in files]),
        **options,
        **dict(pair.split("=", 1) for pair in args.set),
    }
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "monai.bundle", "run", *words]
