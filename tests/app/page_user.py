# SPDX-License-Identifier: Apache-2.0
"""A person at the page, driven by Playwright; and a server for it in a thread of the tests."""

from __future__ import annotations

import base64
import io
import math
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from PIL import Image

from monai_i2v.app.bundle_parts import BundleParts
from monai_i2v.app.run_lengths import read_runs
from monai_i2v.app.server import build_server
from monai_i2v.app.workplace import Workplace
from monai_i2v.data import list_cases
from monai_i2v.handlers import SaveVideoResults, SummarizeVideos
from monai_i2v.inferers import PropagationInferer

TOKEN = "token-of-the-tests"
SECONDS = 120_000  # ms that a busy machine may take


class Still:
    """A segmenter for which nothing moves; it may take its time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def start(self, frame: Any, masks: Any) -> Any:
        return masks

    def step(self, frame: Any, state: Any) -> Any:
        time.sleep(self.seconds)
        return state, state


class Served:
    """The page of some videos, on a port of its own."""

    def __init__(
        self,
        video: Path | str | None,
        output_dir: Path,
        network: Any = None,
        *,
        parts: Any = None,
        datalist: Path | None = None,
    ) -> None:
        cases = list_cases(None if video is None else str(video), datalist=datalist, to_draw=True)
        handlers = [SaveVideoResults(output_dir), SummarizeVideos(output_dir)]
        own = BundleParts(network or Still(), PropagationInferer(64), handlers)
        self.place = Workplace(cases, output_dir, parts or own)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        app = build_server(self.place, self.port, TOKEN)
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True)
        self.thread.start()
        self.place.open(0).result(60)

    @property
    def session(self) -> Any:
        return self.place.desk.session

    def maps(self) -> np.ndarray:
        """Label maps of all frames, read by the thread that owns the session."""
        return self.place.worker.do(lambda: maps(self.session)).result(60)

    def close(self) -> None:
        self.place.events.end()
        self.server.should_exit = True
        self.thread.join(10)
        self.place.close()
        self.socket.close()


class Command:
    """``python -m monai_i2v annotate`` in a process of its own."""

    def __init__(self, *arguments: str | Path) -> None:
        self.begun = time.perf_counter()
        command = [sys.executable, "-m", "monai_i2v", "annotate", *map(str, arguments), "--no-browser"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def address(self) -> str:
        """With its token."""
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/\?t=\S+", line)
        assert found, line + self.process.stderr.read()
        return found[0]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=20)


class User:
    """Looks at the page and acts; points are in pixels of the video."""

    def __init__(self, page: Any) -> None:
        page.set_default_timeout(SECONDS)
        self.page = page
        self.clicks = self.keys = 0
        self.size = (0, 0)

    def visit(self, address: str) -> User:
        self.page.goto(address)
        self.page.wait_for_selector("body[data-shown='0']", timeout=SECONDS)
        self.page.wait_for_selector("body[data-ready]", timeout=SECONDS)
        facts = self.get("/api/video")
        self.size = (facts["height"], facts["width"])
        return self

    def get(self, path: str) -> Any:
        return self.page.evaluate("path => fetch(path).then(answer => answer.json())", path)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel's center is on the screen."""
        box = self.page.locator("#view").bounding_box()
        height, width = self.size
        scale = min(box["width"] / width, box["height"] / height)
        left, top = box["x"] + (box["width"] - width * scale) / 2, box["y"] + (box["height"] - height * scale) / 2
        return left + (x + 0.5) * scale, top + (y + 0.5) * scale

    def click(self, x: float, y: float, **how: Any) -> None:
        self.clicks += 1
        self.page.mouse.click(*self.at(x, y), **how)

    def drag(self, *points: tuple[float, float], button: str = "left") -> None:
        self.clicks += 1
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down(button=button)
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point), steps=3)
        self.page.mouse.up(button=button)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.keys += 1
            self.page.keyboard.press(key)

    def push(self, button: str) -> None:
        self.clicks += 1
        self.page.locator(f"#{button}").click()

    def spline(self, x: float, y: float, width: float, height: float, points: int = 8) -> None:
        """Outline an ellipse."""
        for k in range(points):
            angle = 2 * math.pi * k / points + 0.1
            self.click(x + width * math.cos(angle), y + height * math.sin(angle))
        self.press("Enter")
        self.settle()

    def settle(self) -> None:
        """Until all strokes are on the disk."""
        self.page.wait_for_selector("body[data-pending='0']", timeout=SECONDS)

    def find_masks(self, key: str = "Enter") -> None:
        self.page.evaluate("document.body.dataset.ended = ''")
        self.press(key)
        self.wait_for_end("propagating")

    def wait_for_end(self, what: str) -> None:
        self.page.wait_for_selector(f"body[data-ended='{what}']", timeout=SECONDS)

    def go(self, index: int) -> None:
        here = int(self.page.evaluate("document.body.dataset.shown"))
        self.press(*["ArrowRight" if index > here else "ArrowLeft"] * abs(index - here))
        self.page.wait_for_selector(f"body[data-shown='{index}']", timeout=SECONDS)

    def label_map(self, index: int) -> np.ndarray:
        """What the server knows."""
        return read_runs(self.get(f"/api/frames/{index}/labels")["runs"], self.size)

    def shown_labels(self) -> np.ndarray:
        """What is on the screen."""
        script = "import('/page/state.js').then(m => Array.from(m.labelsOf(m.state.index)))"
        return np.array(self.page.evaluate(script)).reshape(self.size)

    def shown_picture(self) -> np.ndarray:
        """RGB (H, W, 3) of the picture, before zoom and masks."""
        script = "import('/page/view.js').then(m => m.shown.canvas.toDataURL('image/png'))"  # opaque: nothing is lost
        picture = base64.b64decode(self.page.evaluate(script).partition(",")[2])
        return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))

    def sentence(self) -> str:
        """What the message says."""
        self.page.wait_for_selector("#message:not([hidden])", timeout=SECONDS)
        return self.page.locator("#sentence").inner_text()


def maps(session: Any, indices: Sequence[int] | None = None) -> np.ndarray:
    """Label maps of frames of a session."""
    return np.stack([session[index].label_map for index in (range(len(session)) if indices is None else indices)])
