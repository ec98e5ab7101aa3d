# SPDX-License-Identifier: Apache-2.0
"""Every stroke on disk before it is answered: nothing that a person drew is lost, whatever happens to the process."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_i2v.errors import UsageError

__all__ = ["Journal"]


class Journal:
    """A file of JSON lines that only grows. A line that a crash cut off is dropped.

    Args:
        path: the file; it is made.

    Raises:
        UsageError: When it cannot be read or written, or is no journal.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.app.journal import Journal
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     journal = Journal(Path(folder, "journal.jsonl"))
        ...     journal.append({"do": "undo"})
        ...     journal.close()
        ...     Path(folder, "journal.jsonl").read_text()
        '{"do":"undo"}\\n'
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.touch()
            self.entries, length = _read(path)
            self._file = path.open("r+b", buffering=0)
            self._file.truncate(length)
            self._file.seek(length)
        except OSError as error:
            raise _unwritable(path, error) from error

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write a line, and come back when it is on the disk.

        Raises:
            UsageError: When it cannot be written.
        """
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        try:
            self._write(line)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self.entries.append(dict(entry))

    def _write(self, line: bytes) -> None:
        place = self._file.tell()
        try:
            self._file.write(line)
            os.fsync(self._file.fileno())
        except OSError:
            self._file.seek(place)
            self._file.truncate(place)
            raise

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def _read(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The lines, and where the last whole one ends."""
    content = path.read_bytes()
    length = content.rfind(b"\n") + 1
    try:
        entries = [json.loads(line) for line in content[:length].splitlines()]
    except ValueError as error:
        raise UsageError(f"{path} is no journal ({error}); move it away, or restore it from a copy.") from error
    if not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"{path} is no journal, expected an object per line; move it away, or restore it from a copy.")
    return entries, length


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{path} cannot be written ({error.strerror}); choose an output_dir that you may write to and that has space."
    )
