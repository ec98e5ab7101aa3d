# SPDX-License-Identifier: Apache-2.0
"""The files below a folder, found by patterns of their paths."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from monai_i2v.errors import UsageError
from monai_i2v.files.natural_order import natural_key
from monai_i2v.files.user_path import user_path

__all__ = ["FileTree"]

LEFTOVERS = ("__macosx", "thumbs.db", "desktop.ini")  # beside hidden files, such as .DS_Store and ._name


class FileTree:
    """All files below a folder in natural order (2 before 10), without what operating systems leave behind.

    Args:
        root: the folder, or one above it: patterns are compared with the end of a path.

    Raises:
        UsageError: When there is no such folder.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.data.collections.file_tree import FileTree
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("a10.PNG", "a2.png", ".DS_Store"):
        ...         _ = Path(folder, name).write_bytes(b"")
        ...     [match["name"] for match, _ in FileTree(folder).match(r"(?P<name>a\\d+)\\.png")]
        ['a2', 'a10']
    """

    def __init__(self, root: str | Path) -> None:
        self.root = user_path(root)
        if not self.root.is_dir():
            raise UsageError(f"there is no folder {self.root}; expected the one that the collection was unpacked to.")
        self.paths = sorted(self._walk(), key=natural_key)

    def match(self, pattern: str) -> Iterator[tuple[re.Match[str], Path]]:
        """Files whose path below the root, with ``/``, ends with a regular expression, whatever its case."""
        expression = re.compile(rf"(?:^|.*?/){pattern}", re.IGNORECASE)
        for path in self.paths:
            if match := expression.fullmatch(path.as_posix()):
                yield match, self.root / path

    def _walk(self) -> Iterator[Path]:
        seen = set()  # links may lead in circles
        for folder, folders, files in os.walk(self.root, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = filter(_is_wanted, folders)
            yield from (Path(folder, name).relative_to(self.root) for name in filter(_is_wanted, files))


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in LEFTOVERS
