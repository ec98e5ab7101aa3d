# SPDX-License-Identifier: Apache-2.0
"""Serve the page on the own machine until it is stopped."""

from __future__ import annotations

import contextlib
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from monai_i2v.app.bundle_parts import BundleParts
from monai_i2v.app.server import build_server
from monai_i2v.app.workplace import Workplace
from monai_i2v.data import VideoCase
from monai_i2v.errors import UsageError

__all__ = ["annotate"]

LOOPBACK = "127.0.0.1"
ENDING_SECONDS = 1  # for pages that still listen


def annotate(
    cases: Sequence[VideoCase],
    output_dir: Path,
    parts: BundleParts,
    *,
    port: int = 0,
    browser: bool = True,
) -> None:
    """Serve the page for some videos until Ctrl+C.

    Args:
        cases: the videos; the first one is opened.
        output_dir: folder of sessions and results.
        parts: see `Workplace`.
        port: to listen at, on the loopback address; 0 takes one that is free.
        browser: open the page in a browser.

    Raises:
        UsageError: When the first video cannot be opened, or the port is taken.
    """
    place = Workplace(cases, output_dir, parts)
    try:
        place.open(0).result()
        _serve(place, port, browser=browser)
    finally:
        place.close()


def _serve(place: Workplace, port: int, *, browser: bool) -> None:
    token = secrets.token_urlsafe(32)
    with _listen(port) as listening:
        port = listening.getsockname()[1]
        app = build_server(place, port, token)
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=ENDING_SECONDS, lifespan="off")
        server = _Server(config, place)
        _show(f"http://{LOOPBACK}:{port}/?t={token}", browser=browser)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """Ends the streams of events first: pages would listen forever."""

    def __init__(self, config: uvicorn.Config, place: Workplace) -> None:
        super().__init__(config)
        self.place = place

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        self.place.events.end()
        await super().shutdown(sockets)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"port {port} cannot be listened at ({error}); choose another --port, or leave it out."
        ) from error


def _show(address: str, *, browser: bool) -> None:
    sys.stdout.write(f"monai_i2v: {address}\nCtrl+C ends it; what was drawn is on the disk.\n")
    sys.stdout.flush()
    if browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
