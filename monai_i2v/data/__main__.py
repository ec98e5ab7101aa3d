# SPDX-License-Identifier: Apache-2.0
"""Public data sets as datalists for training and evaluation.

    python -m monai_i2v.data list
    python -m monai_i2v.data check busi Dataset_BUSI_with_GT
    python -m monai_i2v.data datalist camus CAMUS_public --split test --output camus.json
    python -m monai_i2v.data assemble tcmn asu_mayo=DIR cvc_clinicdb=DIR hmc_qu=DIR camus=DIR --output tcmn.json

Nothing is downloaded; list names where each collection comes from, and under which terms.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from monai_i2v.data.collections import (
    BENCHMARKS,
    Collection,
    Part,
    clip_folder,
    describe_collections,
    find_collection,
    paired_folder,
    read_benchmark,
    write_collection,
)
from monai_i2v.errors import UsageError, show_usage_errors_in_one_sentence

GENERIC = {"paired_folder": paired_folder, "clip_folder": clip_folder}


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line asks for.

    Args:
        arguments: those of the command line when None.

    Raises:
        UsageError: When it cannot be done.
    """
    args = parse_args(arguments)
    sys.stdout.write(f"{args.run(args)}\n")


def parse_args(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; ``run`` is what to do, and gives the text to show."""
    parser = argparse.ArgumentParser(
        prog="python -m monai_i2v.data", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="show the collections that are known, as a Markdown table")
    listing.set_defaults(run=lambda args: describe_collections())

    check = commands.add_parser("check", help="count what a folder holds of a collection")
    add_collection(check)
    check.set_defaults(run=lambda args: str(choose_collection(args).check(args.root)))

    datalist = commands.add_parser("datalist", help="write the datalist of a collection")
    add_collection(datalist)
    add_output(datalist)
    datalist.add_argument("--split", help="training, validation or test; all if not given")
    datalist.add_argument(
        "--held_out",
        type=float,
        default=0.0,
        help="share of the patients for validation, where there is no official list of it",
    )
    datalist.add_argument("--labels", type=int, nargs="+", default=(), help="label values to keep; all if not given")
    datalist.set_defaults(run=run_datalist)

    assembly = commands.add_parser("assemble", help="write the datalist of a benchmark of several collections")
    assembly.add_argument("benchmark", help=f"{', '.join(BENCHMARKS)}, or a JSON file like theirs")
    assembly.add_argument("roots", nargs="+", metavar="NAME=FOLDER", help="where a collection lies")
    add_output(assembly)
    assembly.set_defaults(run=run_assembly)
    return parser.parse_args(arguments)


def add_collection(parser: argparse.ArgumentParser) -> None:
    """Which collection, and where."""
    parser.add_argument("name", help="name of the collection, see list")
    parser.add_argument("root", type=Path, help="folder that it was unpacked to")
    own = parser.add_argument_group("for paired_folder and clip_folder")
    own.add_argument("--images", help="glob for images or frames, 'images/*.jpg' or 'JPEGImages/*/*.jpg'")
    own.add_argument("--masks", help="glob for their masks; stars stand for the same names")
    own.add_argument("--binary", action="store_true", help="masks are foreground and background, in whatever gray")


def add_output(parser: argparse.ArgumentParser) -> None:
    """Where the datalist goes."""
    parser.add_argument(
        "--output", type=Path, required=True, help="JSON file to write; masks go to a folder of its name beside it"
    )


def choose_collection(args: argparse.Namespace) -> Collection:
    """A known collection, or one with a person's own globs."""
    globs = {key: value for key in ("images", "masks") if (value := getattr(args, key))}
    if args.name in GENERIC:
        return GENERIC[args.name](**globs, binary=args.binary)
    if globs or args.binary:
        raise UsageError(
            f"{args.name} knows its own layout; expected --images, --masks and --binary with "
            f"{' or '.join(GENERIC)} only; leave them out."
        )
    return find_collection(args.name)


def run_datalist(args: argparse.Namespace) -> str:
    """Write one collection's datalist."""
    part = Part(choose_collection(args), args.split, args.held_out, args.labels)
    return describe(write_collection(part, args.root, args.output), args.output)


def run_assembly(args: argparse.Namespace) -> str:
    """Write a benchmark's datalist."""
    pairs = [root.partition("=") for root in args.roots]
    wrong = [name for name, equals, folder in pairs if not (equals and folder)]
    if wrong:
        raise UsageError(f"{wrong[0]!r} is no root; expected NAME=FOLDER, such as busi=Dataset_BUSI_with_GT.")
    benchmark = read_benchmark(args.benchmark)
    roots = {name: folder for name, _, folder in pairs}
    missing = [find_collection(name) for name in benchmark.collections if name not in roots]
    lines = [describe(benchmark.write(args.output, roots), args.output)]
    lines += [f"not given: {collection.name}, from {collection.source}" for collection in missing]
    return "\n".join(lines)


def describe(counts: Mapping[str, int], output: Path) -> str:
    """What was written, for people."""
    return f"{output}: {', '.join(f'{count} {section}' for section, count in counts.items())}"


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    show_usage_errors_in_one_sentence()
    main()
