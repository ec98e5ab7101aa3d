# SPDX-License-Identifier: Apache-2.0
"""New folders that appear under their final name only when they are complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monai_i2v.errors import UsageError

__all__ = ["complete_folder"]


@contextmanager
def complete_folder(folder: str | Path) -> Iterator[Path]:
    """Fill a folder beside its final place and move it there at the end, or leave nothing behind.

    Args:
        folder: the final name; folders on the way are made.

    Yields:
        The folder to write to.

    Raises:
        UsageError: When it is there already, or the system refuses (no permission, no space left ...).

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.files.complete_folder import complete_folder
        >>> with tempfile.TemporaryDirectory() as place:
        ...     with complete_folder(Path(place, "masks")) as partial:
        ...         _ = (partial / "0.txt").write_text("1")
        ...     [path.name for path in Path(place, "masks").iterdir()]
        ['0.txt']
    """
    folder = Path(folder)
    if folder.exists():
        raise UsageError(f"{folder} exists already; expected a name that is free; choose another output, or remove it.")
    partial = folder.with_name(f".partial-{os.getpid()}-{folder.name}")
    try:
        partial.mkdir(parents=True)
        yield partial
        partial.replace(folder)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written ({error.strerror or error}); choose a folder that you may write to and that "
            "has space."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
