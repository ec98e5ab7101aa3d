# SPDX-License-Identifier: Apache-2.0
"""Only the page that the command opened gets in: loopback, host, origin and a token are checked for every request."""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["COOKIE", "Guard"]

COOKIE = "monai_i2v_{port}"  # browsers share cookies among the ports of a host
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware that answers 403 to whoever it does not know.

    Args:
        app: what is guarded.
        port: of the server, so that its address is known.
        token: what the cookie must hold; ``/?t=TOKEN`` passes too, as it gives the cookie.

    Example::

        >>> import asyncio
        >>> import httpx
        >>> from starlette.applications import Starlette
        >>> from monai_i2v.app.guard import Guard
        >>> async def status(address):
        ...     guarded = httpx.ASGITransport(app=Guard(Starlette(), 8000, "secret"))
        ...     async with httpx.AsyncClient(transport=guarded) as client:
        ...         return (await client.get(address)).status_code
        >>> asyncio.run(status("http://evil.example/"))
        403
    """

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self.app, self.token, self.cookie = app, token, COOKIE.format(port=port)
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        scope["monai_i2v_cookie"] = self.cookie
        refusal = self._refusal(scope)
        app = PlainTextResponse(refusal, 403) if refusal else self.app
        await app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> str:
        """Why a request is refused; empty when it is not."""
        if scope["type"] != "http":
            return "only HTTP is spoken here."
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self.hosts:
            return "this host is not the server's; open the address that the command printed."
        if origin is not None and origin != f"http://{host}":
            return "this origin is not the server's; open the address that the command printed."
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "another site asked; open the address that the command printed."
        if not (self._has_cookie(headers) or self._brings_token(scope)):
            return "the token is missing or old; open the address that the command printed."
        return ""

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        return found is not None and secrets.compare_digest(found.value.encode(), self.token.encode())

    def _brings_token(self, scope: Scope) -> bool:
        return scope["path"] == "/" and secrets.compare_digest(scope["query_string"], b"t=" + self.token.encode())
