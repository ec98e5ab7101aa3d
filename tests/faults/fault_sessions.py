# SPDX-License-Identifier: Apache-2.0
"""Archives that no session's file should be."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fault import Fault, Given, Make
from media import content

Change = Callable[[dict[str, Any]], object]


def nothing(facts: dict[str, Any]) -> None:
    """No change."""


def first_pass(**values: Any) -> Change:
    """Other values in the first pass."""
    return lambda facts: facts["tracks"][0].update(values)


def first_frame(place: int, value: Any) -> Change:
    """Another step (0), confidence (1) or place of a mask (3) in a frame of the first pass."""
    return lambda facts: facts["tracks"][0]["frames"]["3"].__setitem__(place, value)


def drawn(frame: str, label: str) -> Change:
    """The first object's mask under another number, in another frame."""
    return lambda facts: facts["drawn"].update({frame: {label: facts["drawn"]["0"]["1"]}})


CHANGES: dict[str, Change] = {
    "a good one": nothing,
    "100,000 brackets": lambda facts: "[" * 100_000,
    "a list for an object": lambda facts: "[]",
    "of another video": lambda facts: facts.update(frames=5),
    "video without size": lambda facts: facts.update(video_size=[]),
    "nothing drawn": lambda facts: facts.update(drawn={}),
    "drawn in frame 99": drawn("99", "1"),
    "object 0": drawn("0", "0"),
    "object 10^12": drawn("0", "1" + "0" * 12),
    "a pass from frame Infinity": first_pass(anchor=float("inf")),
    "a pass without frames": first_pass(frames={}),
    "a pass of 500 objects": first_pass(labels=list(range(1, 501))),
    "a pass of the same object twice": first_pass(labels=[1, 1]),
    "a pass whose direction is a text": first_pass(direction="up"),
    "a step of 0 frames": first_frame(0, 0),
    "confidence NaN": first_frame(1, [float("nan")] * 2),
    "no confidence": first_frame(1, []),
    "a mask beyond the file": first_frame(3, [10**9, 10]),
    "a mask at -5": first_frame(3, [-5, 5]),
    "a revision of 1e999": lambda facts: facts.update(revision=float("inf")),
}


def sessions() -> Iterator[Fault]:
    """Other content, other zips."""
    for name, change in CHANGES.items():
        yield Fault("Sessions", name, changed(change))
    yield Fault("Sessions", "masks of zeros", changed(nothing, blob=bytes(999)))
    yield Fault("Sessions", "masks of nothing", changed(nothing, blob=b""))
    yield Fault("Sessions", "a zip bomb", zip_bomb)
    yield Fault("Sessions", "a file too many, with a path that leads out", path_that_leads_out)
    yield Fault("Sessions", "encrypted", encrypted)


def changed(change: Change, blob: bytes | None = None) -> Make:
    """A good session, changed; the change may return another text altogether."""

    def make(folder: Path) -> Given:
        with zipfile.ZipFile(io.BytesIO(content("saved.session"))) as archive:
            facts, masks = json.loads(archive.read("session.json")), archive.read("masks.bin")
        text = change(facts)
        with zipfile.ZipFile(folder / "a.session", "w") as archive:
            archive.writestr("session.json", text if isinstance(text, str) else json.dumps(facts))
            archive.writestr("masks.bin", masks if blob is None else blob)
        return {"session": folder / "a.session"}

    return make


def zip_bomb(folder: Path) -> Given:
    with zipfile.ZipFile(folder / "a.session", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("session.json", "masks.bin"):
            archive.writestr(name, bytes(20_000_000))
    return {"session": folder / "a.session"}


def path_that_leads_out(folder: Path) -> Given:
    given = changed(nothing)(folder)
    with zipfile.ZipFile(given["session"], "a") as archive:
        archive.writestr("../out/other/run.json", "overwritten")
    return given


def encrypted(folder: Path) -> Given:
    """Set the bit that says so, in both heads of every entry."""
    given = changed(nothing)(folder)
    raw = bytearray(given["session"].read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = raw.find(mark)
        while place >= 0:
            raw[place + offset] |= 1
            place = raw.find(mark, place + 4)
    given["session"].write_bytes(raw)
    return given
