# SPDX-License-Identifier: Apache-2.0
"""Folders of results that appear when they are complete, also when several runs write at a time."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from filelock import FileLock

from monai_i2v.errors import UsageError

__all__ = ["FACTS", "WorkFolder"]

FACTS = "run.json"  # what makes a folder a result
PREFIX = ".partial-"


class WorkFolder:
    """A hidden folder for new results, which `complete` gives their name. Earlier results are kept until then.

    What killed runs left in the output directory is cleared first: earlier results that were on the way out come back,
    half of new ones goes. A run that is still alive holds a lock, and its folder is left alone.

    Args:
        output_dir: folder of all results; it is made.
        name: name of the new ones in it.

    Raises:
        UsageError: When there is something else of that name, or the output directory cannot be written.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.files.work_folder import WorkFolder
        >>> with tempfile.TemporaryDirectory() as output_dir:
        ...     work = WorkFolder(Path(output_dir), "cine")
        ...     _ = (work.new / "run.json").write_text("{}")
        ...     work.complete()
        ...     [path.name for path in Path(output_dir).iterdir()]
        ['cine']
    """

    def __init__(self, output_dir: Path, name: str) -> None:
        self.final = output_dir / name
        self.place = output_dir / f"{PREFIX}{secrets.token_hex(4)}"
        self.new = self.place / "new"
        with _explain(output_dir):
            _check_replaceable(self.final)
            output_dir.mkdir(parents=True, exist_ok=True)
            _clear_left_overs(output_dir)
            self.lock = FileLock(_lock_of(self.place))
            self.lock.acquire()
            try:
                self.new.mkdir(parents=True)
            except OSError:
                self.discard()
                raise

    def complete(self) -> None:
        """Give the new results their name, and remove the earlier ones; of several runs the last one counts.

        Raises:
            UsageError: When there is something else of that name, or the output directory cannot be written.
        """
        try:
            with _explain(self.final.parent):
                _check_replaceable(self.final)
                self._replace()
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove what is not complete; earlier results are where they were."""
        _restore_earlier(self.place)
        shutil.rmtree(self.place, ignore_errors=True)
        self.lock.release()
        _lock_of(self.place).unlink(missing_ok=True)

    def _replace(self) -> None:
        for attempt in count():
            earlier = self.place / f"earlier-{attempt}"
            earlier.mkdir()
            with contextlib.suppress(FileNotFoundError):
                self.final.rename(earlier / self.final.name)
            try:
                self.new.rename(self.final)
                return
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # else another run was faster
                    raise


def _lock_of(place: Path) -> Path:
    return place.with_name(f"{place.name}.lock")


def _clear_left_overs(output_dir: Path) -> None:
    for path in output_dir.glob(f"{PREFIX}*.lock"):
        with contextlib.suppress(OSError), FileLock(path, timeout=0):  # a run that is still alive holds it
            _restore_earlier(path.with_suffix(""))
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink(missing_ok=True)


def _restore_earlier(place: Path) -> None:
    for earlier in sorted(place.glob("earlier-*/*"), reverse=True):
        final = place.parent / earlier.name
        if not os.path.lexists(final):
            with contextlib.suppress(OSError):
                earlier.rename(final)


def _check_replaceable(final: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        final.lstat()
        if not os.path.isfile(final / FACTS):
            raise UsageError(
                f"{final} exists and is no earlier result (it has no {FACTS}); expected a free name or earlier "
                "results; choose another output_dir."
            )


@contextlib.contextmanager
def _explain(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"the output directory {folder} cannot be written ({error.strerror}); choose a folder that you may write "
            f"to and that has space."
        ) from error
