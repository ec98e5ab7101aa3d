# SPDX-License-Identifier: Apache-2.0
"""Folders of frames, and single pictures, that are unusual."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fault import Fault
from media import as_jpeg, draw_frames, picture, png_of_size
from PIL import Image

NOISE = bytes(range(256)) * 9


def folders() -> Iterator[Fault]:
    """Pictures of many kinds in a folder."""

    def of(names: Sequence[str], change: Callable[[Path], object] | None = None):
        def make(folder: Path):
            (folder / "frames").mkdir()
            for name, frame in zip(names, draw_frames(len(names)), strict=True):
                picture(folder / "frames" / name, frame)
            if change is not None:
                change(folder / "frames")
            return {"video": folder / "frames"}

        return make

    numbered = [f"f{index}.png" for index in range(4)]
    yield Fault("Folders of frames", "none", of([]))
    yield Fault("Folders of frames", "one", of(["1.png"]))
    yield Fault("Folders of frames", "gaps in the numbers", of(["1.png", "2.png", "7.png", "100.png"]))
    yield Fault("Folders of frames", "numbers of 30 digits", of([f"{10**29 + index}.png" for index in range(3)]))
    yield Fault("Folders of frames", "one name twice (a.png, a.jpg)", of(["a.png", "a.jpg", "b.png"]))
    yield Fault("Folders of frames", "kinds mixed", of(["0.png", "1.jpg", "2.bmp", "3.tif"]))
    yield Fault(
        "Folders of frames",
        "two sizes",
        of(numbered, lambda folder: picture(folder / "f2.png", draw_frames(1, (16, 16))[0])),
    )
    yield Fault(
        "Folders of frames", "a frame of zero bytes", of(numbered, lambda folder: (folder / "f2.png").write_bytes(b""))
    )
    yield Fault("Folders of frames", "a half frame", of(numbered, lambda folder: halve(folder / "f2.png")))
    yield Fault(
        "Folders of frames",
        "the reference is a half frame",
        of(numbered, lambda folder: halve(folder / "f0.png")),
    )
    yield Fault(
        "Folders of frames",
        "all but the reference are half frames",
        of(numbered, lambda folder: [halve(folder / f"f{i}.png") for i in (1, 2, 3)]),
    )
    yield Fault("Folders of frames", "a pipe among them", of(numbered, lambda folder: os.mkfifo(folder / "f9.png")))
    yield Fault(
        "Folders of frames",
        "a link to nothing among them",
        of(numbered, lambda folder: (folder / "f9.png").symlink_to("gone.png")),
    )
    yield Fault(
        "Folders of frames",
        "a folder called f9.png among them",
        of(numbered, lambda folder: (folder / "f9.png").mkdir()),
    )
    yield Fault(
        "Folders of frames",
        "a loop of links inside",
        of(numbered, lambda folder: (folder / "again").symlink_to(folder)),
    )
    yield Fault(
        "Folders of frames",
        "hidden and other files among them",
        of(numbered, lambda folder: [(folder / name).write_bytes(b"x") for name in (".f9.png", "Thumbs.db", "f9.txt")]),
    )

    def pattern(folder: Path):
        of(numbered, lambda folder: (os.mkfifo(folder / "f7.png"), (folder / "f8.png").mkdir()))(folder)
        return {"video": folder / "frames/*.png"}

    yield Fault("Folders of frames", "a pattern that fits a pipe and a folder too", pattern)
    yield Fault("Folders of frames", "a pattern that fits nothing", lambda folder: {"video": folder / "*.jpg"})
    yield Fault("Folders of frames", "noise called PNG", of([], lambda folder: (folder / "a.png").write_bytes(NOISE)))
    yield from pictures()


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def pictures() -> Iterator[Fault]:
    """Single pictures of odd kinds."""

    def image(name: str, mode: str, **how: Any):
        def make(folder: Path):
            Image.fromarray(draw_frames(1)[0]).convert(mode).save(folder / name, **how)
            return {"video": folder / name}

        return make

    for name, mode in [
        ("a.png", "1"),
        ("a.png", "P"),
        ("a.png", "LA"),
        ("a.png", "RGBA"),
        ("a.jpg", "CMYK"),
        ("a.tif", "F"),
        ("a.tif", "LAB"),
    ]:
        yield Fault("Pictures", f"{name[-3:].upper()} of mode {mode}", image(name, mode))

    def bomb(folder: Path):
        (folder / "a.png").write_bytes(png_of_size(30_000))
        return {"video": folder / "a.png"}

    def pages(folder: Path):
        first, *others = map(Image.fromarray, draw_frames(5))
        first.save(folder / "a.tif", save_all=True, append_images=others)
        return {"video": folder / "a.tif"}

    def jpeg_tail(folder: Path):
        (folder / "a.jpg").write_bytes(as_jpeg(draw_frames(1)[0]) + b"tail" * 99)
        return {"video": folder / "a.jpg"}

    yield Fault("Pictures", "a PNG of 30000 x 30000 px in few bytes", bomb)
    yield Fault("Pictures", "a TIFF of 5 pages", pages)
    yield Fault("Pictures", "a JPEG with something behind it", jpeg_tail)
