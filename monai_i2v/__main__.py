# SPDX-License-Identifier: Apache-2.0
"""What the package does from the command line; more is in the bundles, ``python -m monai.bundle run``."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence

from monai_i2v.app.command import add_annotate
from monai_i2v.errors import show_usage_errors_in_one_sentence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command.

    Args:
        arguments: those of the command line when None.

    Raises:
        UsageError: When it cannot be done.
    """
    parser = argparse.ArgumentParser(prog="python -m monai_i2v", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_annotate(commands)
    args = parser.parse_args(arguments)
    args.run(args)


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    show_usage_errors_in_one_sentence()
    main()
