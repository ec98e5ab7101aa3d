# SPDX-License-Identifier: Apache-2.0
"""What happens, told to every page that listens: server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

__all__ = ["Events"]

ALIVE_SECONDS = 15.0  # a comment so often keeps the connection open


class Events:
    """Takes events from any thread, and gives each listener a stream of them.

    Example::

        >>> import asyncio
        >>> from monai_i2v.app.events import Events
        >>> async def first():
        ...     events = Events()
        ...     stream = events.listen("frame", {"index": 3})
        ...     return await anext(stream)
        >>> asyncio.run(first())
        'event: frame\\ndata: {"index":3}\\n\\n'
    """

    def __init__(self) -> None:
        self._listeners: set[tuple[asyncio.AbstractEventLoop, asyncio.Queue[str | None]]] = set()

    def tell(self, kind: str, data: Any) -> None:
        """Tell all listeners; from any thread."""
        self._put(_text(kind, data))

    def end(self) -> None:
        """End all streams."""
        self._put(None)

    async def listen(self, kind: str, data: Any) -> AsyncIterator[str]:
        """A stream that begins with an event of its own.

        Yields:
            Events in their text form, and comments while there are none.
        """
        listener = (asyncio.get_running_loop(), asyncio.Queue[str | None]())
        self._listeners.add(listener)
        try:
            yield _text(kind, data)
            while True:
                try:
                    text = await asyncio.wait_for(listener[1].get(), ALIVE_SECONDS)
                except TimeoutError:
                    text = ": alive\n\n"
                if text is None:
                    return
                yield text
        finally:
            self._listeners.discard(listener)

    def _put(self, text: str | None) -> None:
        for loop, queue in list(self._listeners):
            if not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, text)


def _text(kind: str, data: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
