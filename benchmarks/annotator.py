# SPDX-License-Identifier: Apache-2.0
"""How long a person at the page waits, and how many clicks a cine takes.

    python benchmarks/annotator.py

drives Debian's chromium (apt-get install chromium) without a screen and prints Markdown. Times are those of the wall:
run it where nothing else runs.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright
from pydicom.examples import get_path

from monai_i2v.phantoms import Phantom, save_phantom

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PATIENCE = 600_000  # ms
# From an event's own time until the picture that shows it is on the screen.
WATCH = """() => {
  const view = document.getElementById('view');
  window.seen = {moves: [], steps: []};
  const painted = (list, from) => requestAnimationFrame(() => setTimeout(() => list.push(performance.now() - from)));
  view.addEventListener('pointermove', (event) => { if (event.buttons) painted(window.seen.moves, event.timeStamp); });
  let asked = 0;
  document.addEventListener('keydown', (event) => { if (event.key === 'ArrowRight') asked = event.timeStamp; }, true);
  new MutationObserver((changes) => {
    if (changes.some((one) => one.attributeName === 'data-shown')) painted(window.seen.steps, asked);
  }).observe(document.body, {attributes: true});
}"""
KNOWN = "import('/page/state.js').then(m => [...m.state.frames.keys()].filter(m.isKnown).length)"


class Waits(NamedTuple):
    """Seconds, or milliseconds where it says so."""

    first_frame: float
    stroke_ms: float  # the slowest move of a brush stroke, until it is on the screen
    stroke_on_disk_ms: float
    first_mask: float
    step_ms: float  # the median of frame steps while masks arrive
    stop: float


class Program:
    """The command in a process of its own, and a page that shows it."""

    def __init__(self, browser: Browser, video: Path, output_dir: Path) -> None:
        self.begun = time.perf_counter()
        command = [sys.executable, "-m", "monai_i2v", "annotate", str(video), "--output_dir", str(output_dir)]
        self.process = subprocess.Popen(
            [*command, "--no-browser", "--device", "cpu"], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        found = re.search(r"http://\S+", self.process.stdout.readline())
        assert found, "the program did not start"
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 720})
        self.page.goto(found[0])
        self.wait("[data-shown='0']")
        self.first_frame = time.perf_counter() - self.begun
        self.wait("[data-ready]")
        facts = self.page.evaluate("fetch('/api/video').then(answer => answer.json())")
        self.size = (facts["width"], facts["height"])
        self.frames = facts["frames"]

    def wait(self, state: str) -> None:
        """Until the page says so."""
        self.page.wait_for_selector(f"body{state}", timeout=PATIENCE)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the video, as a share of its sides, is on the screen."""
        box: Any = self.page.locator("#view").bounding_box()
        scale = min(box["width"] / self.size[0], box["height"] / self.size[1])
        left = box["x"] + (box["width"] - self.size[0] * scale) / 2
        top = box["y"] + (box["height"] - self.size[1] * scale) / 2
        return left + x * self.size[0] * scale, top + y * self.size[1] * scale

    def spline(self, x: float, y: float, width: float, height: float) -> int:
        """Outline an ellipse with 8 points; the number of clicks."""
        for k in range(8):
            angle = 2 * math.pi * k / 8 + 0.1
            self.page.mouse.click(*self.at(x + width * math.cos(angle), y + height * math.sin(angle)))
        self.page.keyboard.press("Enter")
        self.wait("[data-pending='0']")
        return 8

    def close(self) -> None:
        """End it."""
        self.page.close()
        self.process.kill()
        self.process.wait()


def measure_waits(program: Program) -> Waits:
    """Draw, find masks, look on meanwhile, stop."""
    page = program.page
    page.evaluate(WATCH)
    program.spline(0.47, 0.45, 0.1, 0.15)
    page.keyboard.press("b")
    page.mouse.move(*program.at(0.4, 0.4))
    page.mouse.down()
    for k in range(40):
        page.mouse.move(*program.at(0.4 + 0.004 * k, 0.4 + 0.03 * math.sin(k / 3)))
    page.mouse.up()
    begun = time.perf_counter()
    program.wait("[data-pending='0']")
    on_disk = 1000 * (time.perf_counter() - begun)
    begun = time.perf_counter()
    page.keyboard.press("f")
    while page.evaluate(KNOWN) < 2:
        time.sleep(0.005)
    first_mask = time.perf_counter() - begun
    for index in range(1, 11):
        page.keyboard.press("ArrowRight")
        program.wait(f"[data-shown='{index}']")
    begun = time.perf_counter()
    page.keyboard.press("Escape")
    program.wait("[data-ended='propagating']")
    stop = time.perf_counter() - begun
    seen = page.evaluate("window.seen")
    return Waits(program.first_frame, max(seen["moves"]), on_disk, first_mask, _median(seen["steps"]), stop)


def walk_the_path(program: Program, output: Path) -> dict[str, float]:
    """From the command to an accepted, exported cine with two structures."""
    page, clicks, keys = program.page, 0, 0
    clicks += program.spline(0.47, 0.45, 0.09, 0.16)
    page.keyboard.press("n")
    clicks += program.spline(0.50, 0.72, 0.08, 0.08)
    page.keyboard.press("Enter")
    program.wait("[data-ended='propagating']")
    page.keyboard.press("d")  # the most doubtful frame, if there is one: look at it
    page.keyboard.press("Shift+A")
    program.wait("[data-pending='0']")
    page.locator("#export").click()
    clicks, keys = clicks + 1, keys + 6
    program.wait("[data-ended='exporting']")
    accepted = page.evaluate("fetch('/api/videos').then(answer => answer.json())")[0]
    done = sum(1 for path in output.glob("*/run.json"))
    assert done == 1, accepted
    return {"clicks": clicks, "keys": keys, "seconds": time.perf_counter() - program.begun}


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def long_movie(folder: Path) -> Path:
    """600 frames of 800 x 600 px."""
    save_phantom(Phantom("ultrasound", length=600, size=(600, 800)), folder)
    return folder / "video.mp4"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", choices=("both", "short"), default="both", help="short: without the long movie")
    args = parser.parse_args()
    path = shutil.which("chromium")
    if path is None:
        sys.exit("no chromium is found; apt-get install chromium brings it.")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs before\n")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=ARGUMENTS)
        videos = {"30-frame DICOM, 320 x 240": Path(get_path("ybr_color"))}
        if args.frames == "both":
            videos["600-frame movie, 800 x 600"] = long_movie(Path(folder, "long"))
        print(f"| video | {' | '.join(name.replace('_', ' ') for name in Waits._fields)} |")
        print(f"| --- |{' ---: |' * len(Waits._fields)}")
        for name, video in videos.items():
            program = Program(browser, video, Path(folder, "waits"))
            waits = measure_waits(program)
            program.close()
            print(f"| {name} | {' | '.join(f'{value:.2f}' for value in waits)} |")
        program = Program(browser, Path(get_path("ybr_color")), Path(folder, "path"))
        walked = walk_the_path(program, Path(folder, "path"))
        program.close()
        print(f"\nTwo structures in a 30-frame cine, accepted and exported: {walked}")
        browser.close()


if __name__ == "__main__":
    main()
