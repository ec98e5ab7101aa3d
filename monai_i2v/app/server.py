# SPDX-License-Identifier: Apache-2.0
"""Addresses of the page and of what it asks for."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from monai_i2v.app.editor import Editor
from monai_i2v.app.frame_pictures import FramePictures
from monai_i2v.app.guard import Guard
from monai_i2v.app.run_lengths import runs_of
from monai_i2v.app.workplace import Workplace, sentence_of
from monai_i2v.errors import UsageError
from monai_i2v.session import outline_by_clicks

__all__ = ["build_server"]

PAGE = Path(__file__).parent / "page"
MAX_BODY = 64 << 20  # bytes; runs of a checkerboard of 4 megapixels are less
MAX_POINTS = 1000
PAGE_HEADER = "x-page"  # which page asks

Handler = Callable[[Request], Awaitable[Response]]
logger = logging.getLogger(__name__)


def build_server(place: Workplace, port: int, token: str) -> Guard:
    """The application, guarded.

    Args:
        place: what it works with.
        port: that it will be reached at.
        token: that a browser must bring.
    """
    return Guard(Starlette(routes=_Routes(place, port, token).routes()), port, token)


class _Routes:
    def __init__(self, place: Workplace, port: int, token: str) -> None:
        self.place, self.port, self.token = place, port, token
        self.editor = Editor()

    def routes(self) -> list[Route | Mount]:
        frame = "/api/frames/{index:int}"
        return [
            Route("/", self.index),
            Mount("/page", StaticFiles(directory=PAGE)),
            Route("/api/video", _told(self.video)),
            Route("/api/videos", _told(self.videos)),
            Route("/api/session", _told(self.session)),
            Route("/api/events", self.events),
            Route(frame, _told(self.picture)),
            Route(f"{frame}/stored", _told(self.stored)),
            Route(f"{frame}/labels", _told(self.labels)),
            Route(f"{frame}/labels", self._deed("draw", "masks"), methods=["PUT"]),
            Route(f"{frame}/labels", self._deed("forget"), methods=["DELETE"]),
            Route(f"{frame}/review", self._deed("review", "mark"), methods=["PUT"]),
            Route("/api/review", self._deed("review", "frames", "mark"), methods=["PUT"]),
            Route("/api/objects/{label:int}", self._deed("describe", "name", "color"), methods=["PUT"]),
            Route("/api/objects/{label:int}", self._deed("remove"), methods=["DELETE"]),
            Route("/api/undo", self._deed("undo"), methods=["POST"]),
            Route("/api/redo", self._deed("redo"), methods=["POST"]),
            Route("/api/outline", _told(self.outline), methods=["POST"]),
            Route(
                "/api/propagate", self._act(lambda body: self.place.propagate(body.get("direction"))), methods=["POST"]
            ),
            Route("/api/export", self._act(lambda body: self.place.export()), methods=["POST"]),
            Route("/api/cancel", self._act(lambda body: self.place.worker.stop()), methods=["POST"]),
            Route("/api/open", self._act(self.open), methods=["POST"]),
        ]

    async def index(self, request: Request) -> Response:
        """The page; an address with the token gives the cookie instead of it, and takes the token off."""
        if request.query_params:
            response = RedirectResponse("/", 303)
            cookie = request.scope["monai_i2v_cookie"]
            response.set_cookie(cookie, self.token, httponly=True, samesite="strict")
            return response
        return FileResponse(PAGE / "index.html")

    async def video(self, request: Request) -> Response:
        while self.place.pictures is None:  # it is being opened
            await asyncio.wrap_future(self.place.worker.do(lambda: None))
        return JSONResponse(self.place.video_facts())

    async def videos(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self.place.list_videos))

    async def session(self, request: Request) -> Response:
        busy = self.place.worker.busy
        state = await _wait(self.place.at_desk(lambda desk: desk.retell()))
        return JSONResponse({**state, "busy": busy})

    async def events(self, request: Request) -> Response:
        return StreamingResponse(self._stream(request.query_params.get("page", "")), media_type="text/event-stream")

    async def _stream(self, page: str) -> AsyncIterator[str]:
        try:
            async for text in self.place.events.listen("hello", {"editor": self.editor.take(page)}):
                yield text
        finally:
            self.editor.leave(page)

    async def picture(self, request: Request) -> Response:
        pictures, index = self._pictures(request)
        return Response(await run_in_threadpool(pictures.png, index), media_type="image/png")

    async def stored(self, request: Request) -> Response:
        pictures, index = self._pictures(request)
        content, kind, channels = await run_in_threadpool(pictures.stored, index)
        headers = {"x-kind": kind, "x-channels": str(channels)}
        return Response(content, media_type="application/octet-stream", headers=headers)

    async def labels(self, request: Request) -> Response:
        index = request.path_params["index"]

        def look(desk: Any) -> Any:
            desk.focus = index
            return desk.frame(index)

        return JSONResponse(await _wait(self.place.at_desk(look)))

    async def outline(self, request: Request) -> Response:
        """A mask from a box and clicks; nothing is drawn yet."""
        body = await _body(request)
        pictures = self.place.pictures
        assert pictures is not None
        return JSONResponse({"runs": await run_in_threadpool(_outline, pictures, body)})

    def open(self, body: dict[str, Any]) -> Future[None]:
        number = body.get("number")
        return self.place.open(number if type(number) is int else -1)

    def _pictures(self, request: Request) -> tuple[FramePictures, int]:
        pictures, index = self.place.pictures, request.path_params["index"]
        if pictures is None or not 0 <= index < len(pictures.video):
            raise UsageError(f"there is no frame {index}; choose one of the video.")
        return pictures, index

    def _deed(self, name: str, *parts: str) -> Handler:
        def do(request: Request, body: dict[str, Any]) -> Future[None]:
            given = {part: body[part] for part in parts if part in body}
            where = {{"index": "frame"}.get(key, key): value for key, value in request.path_params.items()}
            return self.place.do({"do": name, **where, **given})

        return self._edit(do)

    def _act(self, act: Callable[[dict[str, Any]], Future[Any]]) -> Handler:
        return self._edit(lambda request, body: act(body))

    def _edit(self, act: Callable[[Request, dict[str, Any]], Future[Any]]) -> Handler:
        """What only the page with the pen may do."""

        async def handle(request: Request) -> Response:
            try:
                self.editor.check(request.headers.get(PAGE_HEADER, ""))
            except UsageError as error:
                return JSONResponse({"error": str(error)}, 409)
            return await _told(answer)(request)

        async def answer(request: Request) -> Response:
            await _wait(act(request, await _body(request)))
            return JSONResponse({})

        return handle


def _outline(pictures: FramePictures, body: dict[str, Any]) -> list[int]:
    index, box = body.get("frame"), _points(body.get("box", []))
    if type(index) is not int or not 0 <= index < len(pictures.video) or len(box) not in (0, 2):
        raise UsageError("the outline has no frame, or a box without two corners; send both.")
    inside, outside = (_points(body.get(key, [])) for key in ("inside", "outside"))
    if not inside and not box:
        raise UsageError("the outline has neither a box nor a point inside, expected one; draw a box or click.")
    corners = (box[0], box[1]) if box else None
    return runs_of(outline_by_clicks(pictures.picture(index), inside, outside, corners))


def _points(points: Any) -> list[tuple[int, int]]:
    """Columns and rows.

    Raises:
        UsageError: When they are none.
    """
    if not isinstance(points, list) or len(points) > MAX_POINTS:
        raise UsageError(f"the points are no list, or more than {MAX_POINTS}; send fewer.")
    if any(not isinstance(point, list) or [type(value) for value in point] != [int, int] for point in points):
        raise UsageError("a point is no pair of whole numbers; send column and row.")
    return [(x, y) for x, y in points]


def _told(handler: Handler) -> Handler:
    """Answer errors as a sentence."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except Exception as error:
            mendable = isinstance(error, UsageError)
            if not mendable:
                logger.exception("%s %s failed", request.method, request.url.path)
            return JSONResponse({"error": sentence_of(error)}, 400 if mendable else 500)

    return handle


async def _wait(future: Future[Any]) -> Any:
    return await asyncio.wrap_future(future)


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object that came along; empty when nothing did.

    Raises:
        UsageError: When it is none, or too long.
    """
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY:
            raise UsageError(f"the request has more than {MAX_BODY >> 20} MB; send less.")
    try:
        body = json.loads(bytes(content)) if content else {}
    except (ValueError, RecursionError) as error:
        raise UsageError("the request is no JSON; send an object.") from error
    if not isinstance(body, dict):
        raise UsageError("the request is no JSON object; send one.")
    return body
