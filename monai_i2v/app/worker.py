# SPDX-License-Identifier: Apache-2.0
"""The one thread that works with a session: short jobs at once, a long one frame by frame between them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from monai_i2v.errors import UsageError

__all__ = ["Worker"]

Result = TypeVar("Result")


class Worker:
    """Takes jobs from any thread and does them one at a time.

    A long job is a generator: between two of its steps short jobs have their turn, and `stop` ends it there.

    Args:
        on_end: is told how each long job ended: its name, and an error or None.
        idle: a small piece of work for when there is none; says whether there is more of it.

    Example::

        >>> from monai_i2v.app.worker import Worker
        >>> worker = Worker(lambda name, error: None)
        >>> worker.do(lambda: 6 * 7).result()
        42
        >>> worker.close()
    """

    def __init__(
        self, on_end: Callable[[str, BaseException | None], None], idle: Callable[[], bool] = lambda: False
    ) -> None:
        self._on_end, self._idle, self._may_idle = on_end, idle, False
        self._jobs: queue.Queue[tuple[Callable[[], Any], Future[Any]] | None] = queue.Queue()
        self._long: tuple[str, Iterator[Any]] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="session", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> str:
        """Name of the long job that is under way; empty when there is none."""
        long = self._long
        return long[0] if long else ""

    def do(self, job: Callable[[], Result]) -> Future[Result]:
        """Do a short job soon."""
        future: Future[Result] = Future()
        self._jobs.put((job, future))
        return future

    def begin(self, name: str, steps: Callable[[], Iterator[Any]]) -> Future[None]:
        """Begin a long job.

        Args:
            name: what it is called.
            steps: gives the generator; what it raises is the caller's, and nothing begins.

        Raises:
            UsageError: When another one is under way (in the future).
        """

        def start() -> None:
            if self._long:
                raise UsageError(f"{self.busy} is under way, expected one thing at a time; stop it first.")
            self._stopping.clear()
            self._long = (name, steps())

        return self.do(start)

    def stop(self) -> Future[None]:
        """End the long job after its present step, if there is one; what it did is kept."""
        self._stopping.set()
        return self.do(self._end)

    def close(self) -> None:
        """End all work, and wait for it."""
        self._stopping.set()
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(block=self._long is None and not self._may_idle)
            except queue.Empty:
                self._step()
                continue
            self._may_idle = True
            if job is None:
                self._end()
                return
            self._finish(*job)

    def _finish(self, job: Callable[[], Any], future: Future[Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(job())
        except Exception as error:
            future.set_exception(error)

    def _step(self) -> None:
        if self._long is None:
            self._may_idle = self._idle()
        elif self._stopping.is_set():
            self._end()
        else:
            self._advance(self._long[1])

    def _advance(self, steps: Iterator[Any]) -> None:
        try:
            next(steps)
        except StopIteration:
            self._end()
        except Exception as error:
            self._end(error)

    def _end(self, error: BaseException | None = None) -> None:
        if self._long is None:
            return
        name, steps = self._long
        self._long = None
        steps.close()  # type: ignore[attr-defined]
        self._on_end(name, error)
