# SPDX-License-Identifier: Apache-2.0
"""Work that goes on while its results are used."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch

__all__ = ["ahead"]

Item = TypeVar("Item")
END = object()


def ahead(items: Iterable[Item], count: int = 2) -> Generator[Item, None, None]:
    """Items of an iterable in their order, of which a thread makes the next ones while one is used.

    It pays where both let go of the interpreter's lock, as PyTorch, PyAV, NumPy, zlib and files do. No gradients are
    kept. An error of the iterable comes where its item would have come. Close the generator if you do not use all of
    it: it waits until the item at work is made, and closes the iterable.

    Args:
        items: what the thread goes through; only that thread, so it needs no locks.
        count: how many may wait, so that memory stays bounded.

    Example::

        >>> from monai_i2v.compute import ahead
        >>> list(ahead(number**2 for number in range(4)))
        [0, 1, 4, 9]
    """
    iterator = iter(items)

    def take() -> Any:
        with torch.no_grad():
            return next(iterator, END)

    pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    try:
        waiting = deque(pool.submit(take) for _ in range(count))
        while (item := waiting.popleft().result()) is not END:
            waiting.append(pool.submit(take))
            yield item
    finally:
        for later in waiting:
            later.cancel()
        if isinstance(iterator, Generator):  # by the thread that ran it, as what it holds may belong to a thread
            pool.submit(iterator.close).result()
        pool.shutdown()
