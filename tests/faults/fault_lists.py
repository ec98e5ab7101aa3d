# SPDX-License-Identifier: Apache-2.0
"""Lists of videos with odd content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fault import Fault, good_input

CASE = {"video": "video.mha", "ref_mask": "mask.png"}


def lists() -> Iterator[Fault]:
    """What JSON allows, and some that it does not."""

    def text(content: str | bytes, **given: Any):
        def make(folder: Path):
            good_input(folder)
            (folder / "list.json").write_bytes(content if isinstance(content, bytes) else content.encode())
            return {"video": None, "ref_mask": None, "datalist": folder / "list.json", **given}

        return make

    def videos(*entries: Any, **given: Any):
        return text(json.dumps({"videos": entries}), **given)

    good = json.dumps({"videos": [CASE]})
    for name, content in {
        "no JSON": "video.mha",
        "an empty object": "{}",
        "a list at its top": "[]",
        "null": "null",
        "a number": "1e999",
        "NaN": "NaN",
        "videos is a text": '{"videos": "video.mha"}',
        "videos is an object": '{"videos": {"video": "video.mha"}}',
        "a number of 5,000 digits": '{"videos": [{"ref_frame": ' + "9" * 5000 + "}]}",
        "100,000 brackets": "[" * 100_000,
        "UTF-8 with a byte order mark": b"\xef\xbb\xbf" + good.encode(),
        "UTF-16": good.encode("utf-16"),
        "Latin-1": '{"videos": "H\u00e4rz"}'.encode("latin-1"),
        "something behind it": good + "]",
        "two lists of videos": '{"videos": [], "videos": ' + json.dumps([CASE]) + "}",
    }.items():
        yield Fault("Lists", name, text(content))
    for name, entry in {
        "an entry is null": None,
        "an entry is a text": "video.mha",
        "an entry is a list": [CASE],
        "no mask": {"video": "video.mha"},
        "no video": {"ref_mask": "mask.png"},
        "a key too many": {**CASE, "frame": 3},
        "a key of the wrong type": {**CASE, "video": 7},
        "the reference is a text": {**CASE, "ref_frame": "0"},
        "the reference is true": {**CASE, "ref_frame": True},
        "the reference is 0.0": {**CASE, "ref_frame": 0.0},
        "the reference is null": {**CASE, "ref_frame": None},
        "an empty name of a video": {**CASE, "video": ""},
        "NUL in a path": {**CASE, "video": "video\0.mha"},
        "half a character in a path": {**CASE, "video": "video\ud800.mha"},
        "a file name of 300 characters": {**CASE, "video": "a" * 300 + ".mha"},
        "the list itself as video": {**CASE, "video": "list.json"},
        "its own folder as video": {**CASE, "video": "."},
        "a pattern that is all": {**CASE, "video": "**"},
        "an address as video": {**CASE, "video": "https://127.0.0.1:9/video.mp4"},
        "a name with a slash": {**CASE, "name": "../escape"},
        "a name with a backslash": {**CASE, "name": "..\\escape"},
        "an absolute name": {**CASE, "name": "/tmp/escape"},
        "a hidden name": {**CASE, "name": ".partial-x"},
        "an empty name": {**CASE, "name": ""},
        "a name of 300 characters": {**CASE, "name": "x" * 300},
        "a name of 100 characters of 4 bytes": {**CASE, "name": "\U0001fac0" * 100},
        "a name with a line break": {**CASE, "name": "a\nb"},
        "a name with NUL": {**CASE, "name": "a\0b"},
        "a name of spaces": {**CASE, "name": "   "},
        "a name like a program's option": {**CASE, "name": "--rf"},
    }.items():
        yield Fault("Lists", name, videos(entry))
    yield Fault("Lists", "the same video twice", videos(CASE, CASE))
    yield Fault(
        "Lists",
        "the same video twice, with names",
        videos({**CASE, "name": "a"}, {**CASE, "name": "b", "ref_frame": 11}),
    )
    yield Fault(
        "Lists",
        "the second of three is missing",
        videos({**CASE, "name": "a"}, {**CASE, "video": "no.mha"}, {**CASE, "name": "c"}),
    )
    yield Fault("Lists", "all of two are missing", videos({**CASE, "video": "no.mha"}, {**CASE, "video": "none.mp4"}))
    yield Fault("Lists", "a video beside it", videos(CASE, video="video.mha"))
    yield Fault("Lists", "a mask beside it", videos(CASE, ref_mask="mask.png"))
    yield Fault("Lists", "neither list nor video", lambda folder: {"video": None, "ref_mask": None})
    yield Fault(
        "Lists", "no such list", lambda folder: {"video": None, "ref_mask": None, "datalist": folder / "no.json"}
    )
