# SPDX-License-Identifier: Apache-2.0
"""Modules of somebody's clone of a repository, apart from all others of the same names.

Research code is imported by names such as ``model``, ``utils`` and ``networks``, which several repositories use, and
expects its folder on ``sys.path``. Here the folder never gets there: while a clone is open, a finder of ours answers
for its own top-level names, in the thread that opened it. Then its modules are taken out of ``sys.modules``, and what
had these names before is put back. The modules live on in what was built of them; the next opening finds them again.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from monai_i2v.errors import UsageError
from monai_i2v.files.user_path import user_path

__all__ = ["Clone", "importing", "without_download"]

_lock = threading.RLock()
_known: dict[Path, dict[str, ModuleType]] = {}  # modules of every clone that was opened


class Clone:
    """A folder with a repository's code.

    Args:
        path: the folder; None is refused, too.
        address: the repository on GitHub, for messages.
        files: some that it must have.

    Raises:
        UsageError: When it is no clone of that repository.
    """

    def __init__(self, path: str | Path | None, address: str, files: Sequence[str]) -> None:
        advice = f"run git clone https://github.com/{address} and give that folder as repository"
        if path is None:
            raise UsageError(f"repository is None, expected a clone of {address}; {advice}.")
        self.path, self.address = user_path(path).absolute(), address
        self.own = {Path(file).parts[0].removesuffix(".py") for file in files}
        missing = [file for file in files if not (self.path / file).is_file()]
        if missing:
            raise UsageError(f"{path} has no {missing[0]}, expected a clone of {address}; {advice}.")

    @property
    def commit(self) -> str:
        """The repository and the commit that is checked out, if git knows."""
        command = ["git", "-C", str(self.path), "rev-parse", "HEAD"]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            return f"{self.address}, commit unknown"
        return f"{self.address}@{answer}"

    @contextmanager
    def open(self) -> Iterator[Callable[[str], ModuleType]]:
        """Import modules of the clone, and build what needs them to be importable.

        Yields:
            What imports a module by its name.

        Raises:
            UsageError: When a package that it needs is not installed, or it asks for a GPU.
        """
        finder = _Finder(self.path, self.own)
        with _lock, importing(self.address):
            ours = _known.setdefault(self.path, {})
            hidden = _take_out(finder.names)
            sys.modules.update(ours)
            sys.meta_path.insert(0, finder)
            try:
                yield importlib.import_module
            finally:
                sys.meta_path.remove(finder)
                ours.update(_take_out(finder.names))
                sys.modules.update(hidden)


class _Finder:
    """Finds the top-level modules of a folder, for one thread; those in `own` whatever else has such a name."""

    def __init__(self, folder: Path, own: set[str]) -> None:
        self.folder, self.own, self.thread = str(folder), own, threading.get_ident()
        importlib.invalidate_caches()
        stems = {entry.stem if entry.suffix == ".py" else entry.name for entry in folder.iterdir()}
        taken = {*sys.stdlib_module_names, "monai_i2v"}
        self.names = {name for name in stems - taken if name.isidentifier() and self._find(name)}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        return self._find(name) if name in self.names and threading.get_ident() == self.thread else None

    def _find(self, name: str) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, [self.folder])
        if spec is None or spec.origin is not None:
            return spec
        installed = None if name in self.own else PathFinder.find_spec(name)
        if installed is not None and installed.origin is not None:  # a mere folder gives way, as Python has it
            return None
        plain = ModuleSpec(name, None, is_package=True)  # Python's own would look through sys.path again
        plain.submodule_search_locations = [str(Path(self.folder, name))]
        return plain


def _take_out(names: set[str]) -> dict[str, ModuleType]:
    """Take all modules below some top-level names out of ``sys.modules``."""
    taken = [name for name in sys.modules if name.partition(".")[0] in names]
    return {name: sys.modules.pop(name) for name in taken}


@contextmanager
def importing(system: str) -> Iterator[None]:
    """Say what is missing while somebody's code is imported and built.

    Raises:
        UsageError: When a package is not installed, or a GPU is asked for.
    """
    try:
        yield
    except ImportError as error:
        raise UsageError(
            f"{system} needs the Python package {error.name or 'that it names'}, which cannot be imported ({error}); "
            f"install it into this environment, or bring the clone to its present state."
        ) from error
    except (AssertionError, RuntimeError) as error:
        if "cuda" not in str(error).lower() and "nvidia" not in str(error).lower():
            raise
        raise UsageError(
            f"{system} asks for a GPU ({str(error).splitlines()[0]}), which is not there; expected code that runs on "
            "a CPU, as its repository's present state does; update the clone, or use a machine with a GPU."
        ) from error


def without_download(resnet: ModuleType) -> None:
    """Let a clone's ResNets begin with random weights, which a checkpoint replaces, where they would download some.

    Args:
        resnet: the clone's module, with functions ``resnet18`` and ``resnet50``, that reads ``model_zoo``.
    """

    def load_url(url: str, **_: Any) -> Any:
        build = resnet.resnet18 if "resnet18" in url else resnet.resnet50
        return build(pretrained=False).state_dict()

    resnet.model_zoo = SimpleNamespace(load_url=load_url)  # type: ignore[attr-defined]
