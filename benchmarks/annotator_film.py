# SPDX-License-Identifier: Apache-2.0
"""A short film and a picture of the page, for README and docs.

    python benchmarks/annotator_film.py docs

writes ``annotate.gif`` and ``annotate.png``, made from pydicom's cine; Debian's chromium draws them.
"""

from __future__ import annotations

import argparse
import io
import math
import shutil
import tempfile
from pathlib import Path

import numpy as np
from annotator import ARGUMENTS, KNOWN, Program
from PIL import Image
from playwright.sync_api import sync_playwright
from pydicom.examples import get_path

WIDE = 760  # px of the film
COLORS = 128
MASK = Path(__file__).parents[1] / "tutorials" / "ultrasound_cine_mask.png"


class Film:
    """Takes pictures of a page, and joins them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.frames: list[Image.Image] = []
        self.times: list[int] = []  # ms

    def shoot(self, milliseconds: int, count: int = 1) -> None:
        """Show the page as it is now for some time."""
        for _ in range(count):
            picture = Image.open(io.BytesIO(self.program.page.screenshot())).convert("RGB")
            small = picture.resize((WIDE, WIDE * picture.height // picture.width), Image.Resampling.LANCZOS)
            self.frames.append(small)
            self.times.append(milliseconds)

    def save(self, path: Path) -> None:
        """Write a GIF; all pictures share the colors of one, so that only what changes is stored."""
        pair = Image.new("RGB", (WIDE, 2 * self.frames[0].height))
        pair.paste(self.frames[len(self.frames) // 2], (0, 0))
        pair.paste(self.frames[-1], (0, self.frames[0].height))
        colors = pair.quantize(COLORS, dither=Image.Dither.NONE)
        frames = [frame.quantize(palette=colors, dither=Image.Dither.NONE) for frame in self.frames]
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=self.times, loop=0, optimize=True)


def outline_points(label: int, count: int = 10) -> list[tuple[float, float]]:
    """Points on the border of a structure of the first frame, as shares of the picture's sides."""
    labels = np.array(Image.open(MASK))
    rows, columns = np.nonzero(labels == label)
    y, x = rows.mean(), columns.mean()
    points = []
    for k in range(count):
        angle = 2 * math.pi * k / count
        reach = max(r for r in range(200) if _holds(labels, label, x + r * math.cos(angle), y + r * math.sin(angle)))
        points.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    return [(px / labels.shape[1], py / labels.shape[0]) for px, py in points]


def _holds(labels: np.ndarray, label: int, x: float, y: float) -> bool:
    row, column = round(y), round(x)
    inside = 0 <= row < labels.shape[0] and 0 <= column < labels.shape[1]
    return bool(inside and labels[row, column] == label)


def act(program: Program, film: Film) -> None:
    """Outline two structures, let the masks run, correct, accept."""
    page = program.page
    film.shoot(900)
    for label in (1, 2):
        if label > 1:
            page.keyboard.press("n")
        for point in outline_points(label):
            page.mouse.click(*program.at(*point))
            page.wait_for_timeout(60)
            film.shoot(140)
        page.keyboard.press("Enter")
        program.wait("[data-pending='0']")
        page.wait_for_timeout(200)
        film.shoot(600)
    page.keyboard.press("Enter")
    for frame in range(1, 13):
        while page.evaluate(KNOWN) <= frame:
            page.wait_for_timeout(50)
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(400)
        film.shoot(260)
    program.wait("[data-ended='propagating']")
    page.keyboard.press("1")
    page.keyboard.press("b")
    left, top = outline_points(1)[3]
    page.mouse.move(*program.at(left, top))
    page.mouse.down()
    for k in range(6):
        page.mouse.move(*program.at(left - 0.002 * k, top - 0.012 * k))
        page.wait_for_timeout(50)
        film.shoot(120)
    page.mouse.up()
    program.wait("[data-pending='0']")
    film.shoot(700)
    page.keyboard.press("Enter")
    program.wait("[data-ended='propagating']")
    page.wait_for_timeout(2500)
    for _ in range(3):
        page.keyboard.press("a")
        page.wait_for_timeout(500)
        film.shoot(420)
    page.keyboard.press("Shift+A")
    page.wait_for_timeout(1500)
    film.shoot(1800)


def main() -> None:
    """Make both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as output, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), headless=True, args=ARGUMENTS)
        program = Program(browser, Path(get_path("ybr_color")), Path(output))
        film = Film(program)
        act(program, film)
        film.save(folder / "annotate.gif")
        program.page.locator("#dismiss").click()
        program.page.set_viewport_size({"width": 1920, "height": 1080})
        program.page.wait_for_timeout(1500)
        picture = Image.open(io.BytesIO(program.page.screenshot())).convert("RGB")
        picture.quantize(192, dither=Image.Dither.NONE).save(folder / "annotate.png", optimize=True)
        program.close()
        browser.close()


if __name__ == "__main__":
    main()
