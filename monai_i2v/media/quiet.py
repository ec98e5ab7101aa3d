# SPDX-License-Identifier: Apache-2.0
"""Libraries that read files warn of what they find in them, some for every frame."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["quiet"]


@contextmanager
def quiet(library: str) -> Iterator[None]:
    """Keep a library's warnings off the console: what a person must know of a file is said in a sentence of ours.

    Threads may use it at a time. Python warnings are ignored in the thread that asks for it; a library's log is silent
    until the last thread has left.

    Args:
        library: its name, which is that of its logger.

    Example::

        >>> import logging
        >>> from monai_i2v.media.quiet import quiet
        >>> with quiet("pydicom"):
        ...     logging.getLogger("pydicom").warning("a value is not what the standard says")
    """
    with _no_warnings(), _no_log(library):
        yield


class _ThisThread:
    """Stands for the text pattern of a warning filter: any text, but in one thread, and until `left` is set."""

    def __init__(self) -> None:
        self.thread, self.left = threading.get_ident(), False

    def match(self, text: str) -> bool:
        return not self.left and threading.get_ident() == self.thread


@contextmanager
def _no_warnings() -> Iterator[None]:
    # `warnings.catch_warnings` puts a whole list back, and with it what another thread had in force meanwhile.
    here = _ThisThread()
    item = ("ignore", here, Warning, None, 0)
    warnings.filters.insert(0, item)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        here.left = True
        with suppress(ValueError):  # somebody else put another list in place
            warnings.filters.remove(item)  # type: ignore[attr-defined]


class _Silence(logging.NullHandler):
    """Keeps a logger from handing on, for as many as have asked for it."""

    lock_of_all = threading.Lock()

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self.users, self.propagate = 0, logger.propagate


@contextmanager
def _no_log(library: str) -> Iterator[None]:
    logger = logging.getLogger(library)
    _enter(logger)
    try:
        yield
    finally:
        _leave(logger)


def _enter(logger: logging.Logger) -> None:
    with _Silence.lock_of_all:
        silence = _silence_of(logger)
        if silence is None:
            silence = _Silence(logger)
            logger.addHandler(silence)
            logger.propagate = False
        silence.users += 1


def _leave(logger: logging.Logger) -> None:
    with _Silence.lock_of_all:
        silence = _silence_of(logger)
        if silence is None:
            return
        silence.users -= 1
        if silence.users == 0:
            logger.removeHandler(silence)
            logger.propagate = silence.propagate


def _silence_of(logger: logging.Logger) -> _Silence | None:
    return next((handler for handler in logger.handlers if isinstance(handler, _Silence)), None)
