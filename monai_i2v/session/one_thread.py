# SPDX-License-Identifier: Apache-2.0
"""Methods that one thread may be in at a time."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from monai_i2v.errors import UsageError

__all__ = ["Turn", "alone"]

Params = ParamSpec("Params")
Result = TypeVar("Result")


class Turn:
    """A door for one thread; a second one is refused, not kept waiting.

    Example::

        >>> import threading
        >>> from monai_i2v.session.one_thread import Turn
        >>> turn = Turn()
        >>> with turn, turn:  # the same thread may come again
        ...     pass
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise UsageError("another thread works with the session, expected one at a time; wait for it.")

    def __exit__(self, *error: object) -> None:
        self._lock.release()


class _HasTurn(Protocol):
    turn: Turn


Self = TypeVar("Self", bound=_HasTurn)


def alone(
    method: Callable[Concatenate[Self, Params], Result],
) -> Callable[Concatenate[Self, Params], Result]:
    """Let one thread at a time into the methods of an object that has a `Turn`, ``turn``."""

    @functools.wraps(method)
    def wrapped(self: Any, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        with self.turn:
            return method(self, *args, **kwargs)

    return wrapped
