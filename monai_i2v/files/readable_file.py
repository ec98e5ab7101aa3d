# SPDX-License-Identifier: Apache-2.0
"""Whether there is a file to read at all."""

from __future__ import annotations

import stat
from pathlib import Path

from monai_i2v.errors import UsageError

__all__ = ["check_readable"]


def check_readable(path: Path, expected: str = "a recording or a mask") -> None:
    """Check that a file is there, may be read, and is not empty. Pipes are not opened: they may wait forever.

    Args:
        path: the file.
        expected: what it should be, for messages.

    Raises:
        UsageError: When it is not.
    """
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
        if is_file:
            with path.open("rb") as file:
                is_empty = not file.read(1)
    except (FileNotFoundError, ValueError) as error:  # ValueError: no file can have this name
        raise UsageError(f"{path} does not exist; expected a file; check the name and the folder.") from error
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); expected {expected}; check its permissions."
        ) from error
    if not is_file:
        raise UsageError(f"{path} is a folder, pipe or device; expected {expected} in a file; choose or make one.")
    if is_empty:
        raise UsageError(f"{path} is empty (0 bytes); expected {expected}; copy or export it again.")
