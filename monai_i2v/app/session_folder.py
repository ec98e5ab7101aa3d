# SPDX-License-Identifier: Apache-2.0
"""Where a session lives on disk: beside the results, which are replaced as a whole when they are exported again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from monai_i2v.app.journal import Journal
from monai_i2v.errors import UsageError

__all__ = ["SessionFolder", "session_path"]

SUFFIX = ".session"


def session_path(output_dir: Path, name: str) -> Path:
    """The folder of a video's session.

    Example::

        >>> from pathlib import Path
        >>> from monai_i2v.app.session_folder import session_path
        >>> session_path(Path("results"), "cine").as_posix()
        'results/cine.session'
    """
    return output_dir / f"{name}{SUFFIX}"


class SessionFolder:
    """``<name>.session/``: the journal, what a session saved after a number of its lines, and a lock.

    Args:
        path: the folder; it is made.

    Raises:
        UsageError: When another process works in it, or it cannot be written.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.app.session_folder import SessionFolder
        >>> with tempfile.TemporaryDirectory() as output_dir:
        ...     folder = SessionFolder(Path(output_dir, "cine.session"))
        ...     folder.journal.append({"do": "undo"})
        ...     folder.save(lambda path: path.touch())
        ...     lines = folder.saved()[1]
        ...     folder.close()
        >>> lines
        1
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(path / "lock")
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise UsageError(
                f"the session {path} is open in another process, expected one at a time; close it there, or choose "
                "another output_dir."
            ) from error
        except OSError as error:
            raise UsageError(
                f"{path} cannot be written ({error.strerror}); choose an output_dir that you may write to."
            ) from error
        try:
            self.journal = Journal(path / "journal.jsonl")
        except UsageError:
            self._lock.release()
            raise

    def saved(self) -> tuple[Path | None, int]:
        """The last session file, and how many lines of the journal are in it."""
        numbers = sorted(int(path.stem.rpartition("-")[2]) for path in self.path.glob("session-*.zip"))
        return (self._file(numbers[-1]), numbers[-1]) if numbers else (None, 0)

    def save(self, write: Callable[[Path], None]) -> None:
        """Let something write the session file, and remove those before it.

        Args:
            write: writes to a path, all or nothing.
        """
        new = self._file(len(self.journal.entries))
        write(new)
        for old in self.path.glob("session-*.zip"):
            if old != new:
                old.unlink()

    def close(self) -> None:
        """Let another process have it."""
        self.journal.close()
        self._lock.release()

    def _file(self, lines: int) -> Path:
        return self.path / f"session-{lines:08d}.zip"
