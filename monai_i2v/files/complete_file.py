# SPDX-License-Identifier: Apache-2.0
"""Result files that appear under their final name only when they are complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monai_i2v.errors import UsageError

__all__ = ["complete_file"]


@contextmanager
def complete_file(path: str | Path) -> Iterator[Path]:
    """Write a file beside its final place and move it there at the end, or leave nothing behind.

    Folders on the way are made. An existing file of that name is replaced at the end, or kept when writing
    fails.

    Args:
        path: the final name.

    Yields:
        The name to write to; its suffix is that of `path`.

    Raises:
        UsageError: When the system refuses (no permission, no space left, not a folder ...).

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.files.complete_file import complete_file
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with complete_file(Path(folder, "areas.csv")) as partial:
        ...         _ = partial.write_text("frame,area")
        ...     Path(folder, "areas.csv").read_text()
        'frame,area'
    """
    path = Path(path)
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"{path} cannot be written ({reason}); choose a folder that you may write to and that has space."
        ) from error
    finally:
        if partial.parent.is_dir():
            partial.unlink(missing_ok=True)
