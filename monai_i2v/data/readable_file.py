# SPDX-License-Identifier: Apache-2.0
"""Whether there is a file to read at all."""

from __future__ import annotations

from pathlib import Path

from monai_i2v.errors import UsageError

__all__ = ["check_readable"]


def check_readable(path: Path) -> None:
    """Check that a file is there, may be read, and is not empty.

    Raises:
        UsageError: When it is not.
    """
    try:
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except FileNotFoundError as error:
        raise UsageError(f"{path} does not exist; expected a file; check the name and the folder.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    if is_empty:
        raise UsageError(f"{path} is empty (0 bytes); expected a recording or a mask; copy or export it again.")
