# SPDX-License-Identifier: Apache-2.0
"""File names in the order in which people count."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["natural_key"]


def natural_key(path: Path) -> list[int | str]:
    """Sort key that puts ``frame_2.png`` before ``frame_10.png``.

    Example::

        >>> from pathlib import Path
        >>> from monai_i2v.files.natural_order import natural_key
        >>> [path.name for path in sorted(map(Path, ["f10.png", "F2.png", "f1.png"]), key=natural_key)]
        ['f1.png', 'F2.png', 'f10.png']
    """
    parts = re.split(r"([0-9]+)", str(path).lower())  # text and number take turns, so keys can be compared
    return [int(part) if part.isdecimal() and part.isascii() else part for part in parts]
