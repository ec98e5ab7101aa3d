# SPDX-License-Identifier: Apache-2.0
"""Settings that are numbers, or one of some words: whoever owns a setting checks it with these, by its name."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from monai_i2v.errors import UsageError

__all__ = ["MAX_SEED", "read_choice", "read_number", "read_numbers", "read_whole_number"]

LARGEST = 10**6  # no setting of ours means anything beyond
MAX_SEED = 2**32 - 1  # of NumPy


def read_whole_number(
    name: str, value: Any, least: int, most: int = LARGEST, *, use: object, none: str | None = None
) -> Any:
    """A whole number within limits, or None where that means something.

    Args:
        name: of the setting.
        value: as it was given.
        least: smallest value.
        most: largest one.
        use: a value that is right.
        none: what None means, such as ``"for all"``; without it, None is refused.

    Raises:
        UsageError: When it is none of these.

    Example::

        >>> from monai_i2v.options import read_whole_number
        >>> read_whole_number("mem_every", 5, 1, use=5), read_whole_number("top_k", None, 1, use=30, none="for all")
        (5, None)
        >>> read_whole_number("mem_every", 0, 1, use=5)
        Traceback (most recent call last):
            ...
        monai_i2v.errors.UsageError: mem_every is 0, expected a whole number from 1 to 1000000; use 5.
    """
    is_right = type(value) is int and least <= value <= most
    _check(is_right, name, value, f"a whole number from {least} to {most}", use, none)
    return value


def read_number(
    name: str, value: Any, least: float, most: float = LARGEST, *, use: object, none: str | None = None
) -> Any:
    """A number within limits, as `read_whole_number`.

    Example::

        >>> from monai_i2v.options import read_number
        >>> read_number("min_confidence", 0.5, 0, 1, use=0.5)
        0.5
    """
    _check(_is_number(value, least, most), name, value, f"a number from {least:g} to {most:g}", use, none)
    return value


def read_numbers(name: str, value: Any, least: float, most: float = LARGEST, *, use: object) -> tuple[float, ...]:
    """A list of numbers within limits, which may be empty.

    Example::

        >>> from monai_i2v.options import read_numbers
        >>> read_numbers("reference_crops", [1.25, 2], 1, 10, use=[2.0])
        (1.25, 2)
    """
    is_right = isinstance(value, list | tuple) and all(_is_number(one, least, most) for one in value)
    _check(is_right, name, value, f"a list of numbers from {least:g} to {most:g}", use)
    return tuple(value)


def read_choice(name: str, value: Any, choices: Collection[str], *, use: str) -> str:
    """One of some words.

    Example::

        >>> from monai_i2v.options import read_choice
        >>> read_choice("dtype", "bfloat16", ["float32", "bfloat16"], use="float32")
        'bfloat16'
    """
    _check(isinstance(value, str) and value in choices, name, value, f"one of {', '.join(choices)}", repr(use))
    return value


def _is_number(value: Any, least: float, most: float) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and least <= value <= most


def _check(is_right: bool, name: str, value: Any, expected: str, use: object, none: str | None = None) -> None:
    if is_right or (value is None and none is not None):
        return
    meaning = "" if none is None else f", or None {none}"
    raise UsageError(f"{name} is {value!r:.80}, expected {expected}{meaning}; use {use}.")
