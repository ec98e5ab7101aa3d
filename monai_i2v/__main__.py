# SPDX-License-Identifier: Apache-2.0
"""What the package does from the command line; ``python -m monai.bundle run`` on a bundle does more."""

from __future__ import annotations

import argparse
import io
import logging
import sys
from collections.abc import Sequence
from importlib import import_module

from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.version import __version__

__all__ = ["main"]

# Modules whose `main` does a command, imported only then; and what it does.
COMMANDS = {
    "segment": ("monai_i2v.commands.segment", "segment a video from the mask of one frame"),
    "annotate": ("monai_i2v.commands.annotate", "draw, correct and review masks in the browser"),
    "bundles": ("monai_i2v.commands.bundles", "list the networks, or export them as MONAI's zip files"),
    "data": ("monai_i2v.data.__main__", "make lists of public data sets for training and evaluation"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command.

    Args:
        arguments: those of the command line when None.

    Raises:
        UsageError: When it cannot be done.
    """
    width = max(map(len, COMMANDS))
    parser = argparse.ArgumentParser(
        "python -m monai_i2v",
        description=__doc__.replace("``", ""),
        epilog="\n".join(["commands:", *(f"  {name:{width}}  {about}" for name, (_, about) in COMMANDS.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"monai_i2v {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="COMMAND --help says more")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the command")
    args = parser.parse_args(arguments)
    import_module(COMMANDS[args.command][0]).main(args.arguments)


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    show_usage_errors_in_one_sentence()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files that the console has no signs for
    main()
