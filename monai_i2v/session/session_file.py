# SPDX-License-Identifier: Apache-2.0
"""A session in a file: a zip archive of a JSON text and one file of compressed masks."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.files.complete_file import complete_file
from monai_i2v.files.readable_file import check_readable
from monai_i2v.masks.mask_files import MAX_LABEL
from monai_i2v.tracking.drawn_masks import Drawn
from monai_i2v.tracking.mask_pass import MaskPass, PassFrame
from monai_i2v.tracking.mask_store import MaskStore

__all__ = ["SessionFacts", "load_session", "save_session", "saved_size"]

VERSION = 2
READ_ERRORS = (  # of zip, JSON and zlib, and what wrong content leads to
    *(OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError),
    *(MemoryError, struct.error, zlib.error, zipfile.BadZipFile),
)


class SessionFacts(NamedTuple):
    """What a session is about."""

    frames: int
    video_size: tuple[int, int]  # H, W
    size: tuple[int, int]  # h, w of the network
    region: tuple[int, int, int, int]  # of the video that the network sees: top, left, bottom, right
    cyclic: bool
    revision: int


def save_session(given: Drawn, passes: Iterable[MaskPass], store: MaskStore, facts: SessionFacts, path: Path) -> None:
    """Write a session; the file appears when it is complete."""
    blob = bytearray()

    def put(packed: bytes) -> list[int]:
        blob.extend(packed)
        return [len(blob) - len(packed), len(packed)]

    content = {
        "version": VERSION,
        **facts._asdict(),
        "given": {
            frame: {label: put(zlib.compress(np.packbits(mask).tobytes())) for label, mask in masks.items()}
            for frame, masks in given.items()
        },
        "passes": [
            {
                "anchor": one.anchor,
                "direction": one.direction,
                "labels": one.labels,
                "revision": one.revision,
                "settled": one.settled,
                "frames": {
                    index: [found.step, found.sure, found.remembered, put(store.packed(found.masks))]
                    for index, found in one.frames.items()
                },
            }
            for one in passes
        ],
    }
    with complete_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("session.json", json.dumps(content))
        archive.writestr("masks.bin", bytes(blob))


def saved_size(path: Path) -> tuple[int, int]:
    """Rows and columns at which the network of a saved session saw its video; (0, 0) for a file that is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _about(json.loads(archive.read("session.json")))[2]
    except READ_ERRORS:
        return 0, 0  # of which `load_session` tells


def load_session(path: Path, store: MaskStore, facts: SessionFacts) -> tuple[Drawn, list[MaskPass], bool, int]:
    """Read a session.

    Args:
        path: the file.
        store: takes the masks of the passes.
        facts: of the video that it should be about.

    Returns:
        What was drawn, the passes, whether the video is a cycle, and the number of turns of work.

    Raises:
        UsageError: When the file is no session, or that of another video.
    """
    check_readable(path, "a session")
    try:
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("its entries are compressed")  # a small file could fill the memory
            content, blob = json.loads(archive.read("session.json")), archive.read("masks.bin")
        about = _about(content)
        if about == facts[:4]:
            given, passes = _given(content, blob, facts), _passes(content, blob, store, facts)
            return given, passes, bool(content["cyclic"]), int(content["revision"])
    except READ_ERRORS as error:
        raise UsageError(f"{path} cannot be read as a session ({error}); give a file that save() wrote.") from error
    raise UsageError(
        f"{path} is a session of {_in_words(*about)}, but the video has {_in_words(*facts[:4])}; give the video, size "
        "and crop that it was made with."
    )


def _about(content: dict[str, Any]) -> tuple[int, tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
    (height, width), (h, w), (top, left, bottom, right) = content["video_size"], content["size"], content["region"]
    region = int(top), int(left), int(bottom), int(right)
    return int(content["frames"]), (int(height), int(width)), (int(h), int(w)), region


def _in_words(
    frames: int, video_size: tuple[int, int], size: tuple[int, int], region: tuple[int, int, int, int]
) -> str:
    height, width = video_size
    part = "" if region == (0, 0, height, width) else f", without what is around {region},"
    return f"{frames} frames of {width} x {height} px{part} seen at {size[1]} x {size[0]}"


def _given(content: dict[str, Any], blob: bytes, facts: SessionFacts) -> Drawn:
    count = prod(facts.video_size)
    given: Drawn = {}
    for frame, masks in content["given"].items():
        for label, place in masks.items():
            bits = np.frombuffer(_unpacked(blob, place, -(-count // 8)), np.uint8)
            mask = np.unpackbits(bits, count=count).astype(bool).reshape(facts.video_size)
            given.setdefault(_index(frame, facts), {})[_label(label)] = mask
    return given


def _passes(content: dict[str, Any], blob: bytes, store: MaskStore, facts: SessionFacts) -> list[MaskPass]:
    passes = []
    for one in content["passes"]:
        labels = tuple(map(_label, one["labels"]))
        shape = (len(labels), *facts.size)
        frames = {}
        for index, (step, sure, remembered, (offset, length)) in one["frames"].items():
            _unpacked(blob, (offset, length), prod(shape))  # it can be read
            masks = store.write_packed(blob[offset : offset + length], shape)
            found = PassFrame(_step(step), masks, _sureness(sure, labels), bool(remembered))
            frames[_index(index, facts)] = found
        direction = 1 if one["direction"] > 0 else -1
        settled, revision = bool(one["settled"]), int(one["revision"])
        passes.append(
            MaskPass(_index(one["anchor"], facts), direction, labels, revision, frames=frames, settled=settled)
        )
    return passes


def _index(frame: Any, facts: SessionFacts) -> int:
    if not 0 <= int(frame) < facts.frames:
        raise ValueError(f"it speaks of frame {frame} of {facts.frames}")
    return int(frame)


def _label(label: Any) -> int:
    if not 1 <= int(label) <= MAX_LABEL:
        raise ValueError(f"it speaks of an object {label}")
    return int(label)


def _step(step: Any) -> int:
    if int(step) < 1:
        raise ValueError(f"a pass has a step {step}")
    return int(step)


def _sureness(sure: Any, labels: tuple[int, ...]) -> tuple[float, ...]:
    values = tuple(map(float, sure))
    if len(values) != len(labels) or not all(0 <= value <= 1 for value in values):
        raise ValueError(f"a pass of {len(labels)} objects is sure by {values}")
    return values


def _unpacked(blob: bytes, place: Any, size: int) -> bytes:
    """Decompress what should have so many bytes, and never more."""
    offset, length = place
    unpacked = zlib.decompressobj().decompress(blob[offset : offset + length], size + 1)
    if len(unpacked) != size:
        raise ValueError(f"a mask has not {size} bytes")
    return unpacked
