# SPDX-License-Identifier: Apache-2.0
"""Files that are cut off, damaged, empty, or something else than their names say."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from fault import Fault, Given, Make, damaged_file, flips, given_as, truncations
from media import content, draw_mask, nifti

VIDEOS = ("video.mp4", "video.avi", "video.mkv", "video.dcm", "rle.dcm", "video.nii.gz", "video.mha", "video.nrrd")
PICTURES = ("frame.png", "frame.jpg")
MASKS = ("mask.png", "mask.nii.gz")
ROLES = {
    **dict.fromkeys((*VIDEOS, *PICTURES), "video"),
    **dict.fromkeys(MASKS, "ref_mask"),
    "list.json": "datalist",
    "weights.pt": "checkpoint",
    "saved.session": "session",
}

# Tenths that are left, and places of wrong bytes: one for each way through the code, which ends in its own sentence.
CUTS = {
    "video.mp4": (1, 6),
    "video.avi": (1, 9),
    "video.mkv": (1, 2, 9),
    "frame.png": (1, 4),
    "frame.jpg": (1, 3),
}
FLIPS = {
    "video.mp4": (("rest", 0), ("rest", 1)),
    "video.avi": (("rest", 1),),
    "video.mkv": (("rest", 0), ("start", 1)),
    "rle.dcm": (("start", 1),),
    "video.mha": (("rest", 0),),
    "frame.png": (("rest", 0),),
    "frame.jpg": (("rest", 0), ("rest", 1)),
    "weights.pt": (("rest", 0), ("start", 1)),
    "saved.session": (("rest", 1),),
}


def damage() -> Iterator[Fault]:
    """Every kind of file cut off, with wrong bytes, and without any."""
    for name, role in ROLES.items():
        yield from truncations("Cut off", name, role, CUTS.get(name, (1,)))
    yield from truncations("Cut off", "faststart.mp4", "video", (1, 2, 4, 5))
    for name, role in ROLES.items():
        yield from flips("Wrong bytes", name, role, (("start", 0), *FLIPS.get(name, ())))
    for name, role in ROLES.items():
        yield Fault("Zero bytes", name, damaged_file(name, role, lambda good: b""))


def wrong_names() -> Iterator[Fault]:
    """Content that does not fit the suffix."""
    for name, other in [
        ("video.mp4", "video.nii.gz"),
        ("video.nii.gz", "video.mp4"),
        ("video.mha", "video.nrrd"),
        ("frame.jpg", "frame.png"),
        ("frame.png", "frame.mp4"),
        ("video.dcm", "video.mp4"),
        ("video.mp4", "video.dcm"),
        ("video.avi", "video.mp4"),
        ("list.json", "list.avi"),
        ("weights.pt", "video.png"),
        ("video.mp4", "video"),
        ("video.dcm", "IM_0001"),
        ("video.mp4", "VIDEO.MP4"),
    ]:

        def make(folder: Path, name=name, other=other):
            (folder / other).write_bytes(content(name))
            return {"video": folder / other}

        yield Fault("Wrong suffix", f"{name} called {other}", make)

    def text(folder: Path):
        (folder / "video.mp4").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n")
        return {"video": folder / "video.mp4"}

    def concat(folder: Path):
        (folder / "video.mp4").write_text("ffconcat version 1.0\nfile '/etc/passwd'\n")
        return {"video": folder / "video.mp4"}

    yield Fault("Wrong suffix", "a playlist that names another host, called video.mp4", text)
    yield Fault("Wrong suffix", "a list of files to join, called video.mp4", concat)


def no_files() -> Iterator[Fault]:
    """Pipes, folders, links and devices in the place of files."""
    names = (
        "video.mp4",
        "video.dcm",
        "video.nii.gz",
        "frame.png",
        "mask.png",
        "list.json",
        "weights.pt",
        "saved.session",
    )
    for kind, put in {"a pipe": os.mkfifo, "a folder": os.mkdir, "a loop of links": put_loop}.items():
        for name in names:
            yield Fault("No regular file", f"{name} is {kind}", in_place_of(name, put))
    for kind, put in {
        "a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
        "a link to nothing": lambda path: path.symlink_to("gone.mp4"),
        "a link to a good file": lambda path: path.symlink_to(path.with_name("video.mha")),
        "a socket": put_socket,
    }.items():
        yield Fault("No regular file", kind, in_place_of("link.mha", put))


def in_place_of(name: str, put: Callable[[Path], object]) -> Make:
    """What is no file, under a file's name."""

    def make(folder: Path) -> Given:
        (folder / name).unlink(missing_ok=True)
        put(folder / name)
        return given_as(ROLES.get(name, "video"), folder / name)

    return make


def put_loop(path: Path) -> None:
    path.symlink_to(path.with_name("again"))
    path.with_name("again").symlink_to(path)


def put_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)  # in the present folder: names of sockets are short


def odd_names() -> Iterator[Fault]:
    """Names that shells, programs and file systems stumble over."""
    for shown, name in {
        "Umlaute, Kanji, emoji": "H\u00e4rz \u5fc3\u81d3 \U0001fac0",
        "spaces": "  my  video ",
        "a line break": "a\nb",
        "a terminal's escape code": "a\x1b[31mred",
        "a dash first": "-rf",
        "a dot first": ".hidden",
        "a tilde first": "~old",
        "a dollar and an at": "$HOME@x",
        "percent and braces": "%05d{0}%s",
        "quotes": 'it\'s "x"',
        "a colon": "12:30",
        "glob signs": "a[1]?",
        "HTML": "<script>alert(1)<",
        "250 letters": "a" * 246,
        "only dots and a suffix": "..",
        "bytes that are no UTF-8": "a\udcff",
    }.items():

        def make(folder: Path, name=name):
            (folder / f"{name}.mp4").write_bytes(content("video.mp4"))
            nifti(folder / f"{name}.nii", draw_mask()[None])
            return {"video": folder / f"{name}.mp4", "ref_mask": folder / f"{name}.nii"}

        yield Fault("Odd names", shown, make)

    def relative(name: str):
        def make(folder: Path):
            os.chdir(folder)
            Path(name).write_bytes(content("video.mp4"))
            nifti(Path("mask.nii.gz"), draw_mask()[None])
            return {"video": name, "ref_mask": "mask.nii.gz"}

        return make

    for name in ("-.mp4", "~old.mp4", "12:30.mp4", "pipe:0.mp4", "file:x.mp4"):
        yield Fault("Odd names", f"{name}, relative", relative(name))
