# SPDX-License-Identifier: Apache-2.0
"""Types of command line arguments."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Collection

__all__ = ["names_of", "numbers"]


def names_of(kind: str, choices: Collection[str]) -> Callable[[str], list[str]]:
    """Names of a kind of thing, separated by commas; each must be one of `choices`."""

    def names(text: str) -> list[str]:
        given = text.split(",")
        unknown = [name for name in given if name not in choices]
        if unknown:
            raise ArgumentTypeError(f"no {kind} {unknown[0]!r}; choose from {', '.join(choices)}")
        return given

    return names


def numbers(text: str) -> list[int]:
    """Numbers, separated by commas."""
    return [int(number) for number in text.split(",")]
