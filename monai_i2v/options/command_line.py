# SPDX-License-Identifier: Apache-2.0
"""What was typed after ``python -m monai.bundle run``, before Fire makes numbers of it."""

from __future__ import annotations

import sys
from pathlib import Path

import fire
import monai.bundle
from fire.decorators import SetParseFn

__all__ = ["typed_options"]

COMMAND = Path(monai.bundle.__file__).with_name("__main__.py")


def typed_options() -> dict[str, str]:
    """Values of the options on MONAI's command line, letter by letter; none in any other program.

    Fire splits the line, as it does for MONAI, but leaves the values alone.
    """
    if Path(sys.argv[0]).resolve() != COMMAND.resolve():
        return {}
    typed: dict[str, str] = {}

    @SetParseFn(str)
    def collect(*ids: str, **options: str) -> None:
        typed.update(options)

    fire.Fire({"run": collect, "run_workflow": collect}, command=sys.argv[1:])
    return typed
