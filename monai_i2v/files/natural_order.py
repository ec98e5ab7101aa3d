# SPDX-License-Identifier: Apache-2.0
"""File names in the order in which people count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["natural_key", "natural_order"]

WHOLE = re.compile(r"([0-9]+)")
DECIMAL = re.compile(r"(?<![0-9.])([0-9]+\.[0-9]+)(?![0-9]|\.[0-9])")  # not a part of 1.2.840


def natural_order(paths: Sequence[Path]) -> list[Path]:
    """Sort files so that ``frame_2.png`` comes before ``frame_10.png``, and ``t1.05s.png`` before ``t1.1s.png``.

    A point makes a decimal number where all names are alike but for their numbers, each has one such number, and
    none is longer for a zero at its end, as counts are (``1.9``, ``1.10``).

    Example::

        >>> from pathlib import Path
        >>> from monai_i2v.files.natural_order import natural_order
        >>> [path.stem for path in natural_order([Path("t1.1s.png"), Path("t1.05s.png"), Path("t0.9s.png")])]
        ['t0.9s', 't1.05s', 't1.1s']
        >>> [path.stem for path in natural_order([Path("s1.10.png"), Path("s1.9.png")])]
        ['s1.9', 's1.10']
    """
    if _have_decimals([path.stem.lower() for path in paths]):
        return sorted(paths, key=lambda path: (natural_key(path.parent), _decimal_key(path)))
    return sorted(paths, key=natural_key)


def natural_key(path: Path) -> list[int | str]:
    """Sort key that puts ``frame_2.png`` before ``frame_10.png``.

    Example::

        >>> from pathlib import Path
        >>> from monai_i2v.files.natural_order import natural_key
        >>> [path.name for path in sorted(map(Path, ["f10.png", "F2.png", "f1.png"]), key=natural_key)]
        ['f1.png', 'F2.png', 'f10.png']
    """
    parts = WHOLE.split(str(path).lower())  # text and number take turns, so keys can be compared
    return [int(part) if part.isdecimal() and part.isascii() else part for part in parts]


def _have_decimals(names: Sequence[str]) -> bool:
    found = [DECIMAL.findall(name) for name in names]
    patterns = {WHOLE.sub("0", DECIMAL.sub("0.0", name)) for name in names}
    if len(patterns) > 1 or any(len(numbers) != 1 for numbers in found):
        return False
    fractions = [numbers[0].partition(".")[2] for numbers in found]
    is_padded = len({len(fraction) for fraction in fractions}) == 1
    return is_padded or not any(len(fraction) > 1 and fraction.endswith("0") for fraction in fractions)


def _decimal_key(path: Path) -> list[int | str]:
    """Natural key of a name with one decimal number: first what stands before it, then the number, then the rest."""
    before, number, after = DECIMAL.split(path.name.lower(), maxsplit=1)
    whole, _, fraction = number.partition(".")
    return [*natural_key(Path(before)), int(whole), fraction, *natural_key(Path(after))]
