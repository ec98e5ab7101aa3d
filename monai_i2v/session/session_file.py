# SPDX-License-Identifier: Apache-2.0
"""A session in a file: a zip archive of a JSON text and one file of compressed masks."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.files.complete_file import complete_file
from monai_i2v.files.readable_file import check_readable
from monai_i2v.masks.mask_files import MAX_LABEL
from monai_i2v.session.notes import MARKS, Notes, Review, checked_color, checked_name
from monai_i2v.tracking.drawn_masks import Drawn
from monai_i2v.tracking.mask_store import MaskStore
from monai_i2v.tracking.track import Track, TrackedFrame
from monai_i2v.tracking.tracker import Tracker

__all__ = ["SessionFacts", "load_session", "save_session", "saved_size"]

VERSION = 4
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


def save_session(tracker: Tracker, notes: Notes, facts: SessionFacts, path: Path) -> None:
    """Write what was drawn and found; the file appears when it is complete."""
    blob = bytearray()

    def put(packed: bytes) -> list[int]:
        blob.extend(packed)
        return [len(blob) - len(packed), len(packed)]

    content = {
        "version": VERSION,
        **facts._asdict(),
        "cyclic": tracker.cyclic,
        "revision": tracker.revision,
        "drawn": {
            frame: {label: put(zlib.compress(np.packbits(mask).tobytes())) for label, mask in masks.items()}
            for frame, masks in tracker.drawn.items()
        },
        **_notes_as_json(notes),
        "tracks": [
            {
                "anchor": track.anchor,
                "direction": track.direction,
                "labels": track.labels,
                "revision": track.revision,
                "settled": track.settled,
                "frames": {
                    index: [found.distance, found.confidence, found.remembered, put(tracker.store.packed(found.masks))]
                    for index, found in track.frames.items()
                },
            }
            for track in tracker.tracks
        ],
    }
    with complete_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("session.json", json.dumps(content))
        archive.writestr("masks.bin", bytes(blob))


def saved_size(path: Path) -> tuple[int, int]:
    """Rows and columns at which the network of a saved session saw its video; (0, 0) for a file that is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _about(json.loads(archive.read("session.json"))).size
    except READ_ERRORS:
        return 0, 0  # of which `load_session` tells


def load_session(path: Path, tracker: Tracker, facts: SessionFacts) -> Notes:
    """Read a session.

    Args:
        path: the file.
        tracker: takes what was drawn and found; it stays as it was when the file cannot be read.
        facts: of the video that it should be about.

    Returns:
        What a person said of frames and objects.

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
        if about == facts:
            drawn, tracks = _drawn(content, blob, facts), _tracks(content, blob, tracker.store, facts)
            notes, revision = _notes(content, facts), int(content["revision"])
            tracker.cyclic, tracker.revision = bool(content["cyclic"]), revision
            tracker.drawn, tracker.tracks = drawn, tracks
            return notes
    except READ_ERRORS as error:
        raise UsageError(f"{path} cannot be read as a session ({error}); give a file that save() wrote.") from error
    raise UsageError(
        f"{path} is a session of {_in_words(*about)}, but the video has {_in_words(*facts)}; give the video, size "
        "and crop that it was made with."
    )


def _about(content: dict[str, Any]) -> SessionFacts:
    (height, width), (h, w), (top, left, bottom, right) = content["video_size"], content["size"], content["region"]
    region = int(top), int(left), int(bottom), int(right)
    return SessionFacts(int(content["frames"]), (int(height), int(width)), (int(h), int(w)), region)


def _in_words(
    frames: int, video_size: tuple[int, int], size: tuple[int, int], region: tuple[int, int, int, int]
) -> str:
    height, width = video_size
    part = "" if region == (0, 0, height, width) else f", without what is around {region},"
    return f"{frames} frames of {width} x {height} px{part} seen at {size[1]} x {size[0]}"


def _drawn(content: dict[str, Any], blob: bytes, facts: SessionFacts) -> Drawn:
    count = prod(facts.video_size)
    drawn: Drawn = {}
    for frame, masks in content["drawn"].items():
        for label, place in masks.items():
            bits = np.frombuffer(_unpacked(blob, place, -(-count // 8)), np.uint8)
            mask = np.unpackbits(bits, count=count).astype(bool).reshape(facts.video_size)
            drawn.setdefault(_index(frame, facts), {})[_label(label)] = mask
    return drawn


def _tracks(content: dict[str, Any], blob: bytes, store: MaskStore, facts: SessionFacts) -> list[Track]:
    tracks = []
    for saved in content["tracks"]:
        labels = tuple(map(_label, saved["labels"]))
        shape = (len(labels), *facts.size)
        frames = {}
        for index, (distance, confidence, remembered, (offset, length)) in saved["frames"].items():
            _unpacked(blob, (offset, length), 2 * prod(shape))  # it can be read
            masks = store.write_packed(blob[offset : offset + length], shape)
            found = TrackedFrame(_distance(distance), masks, _confidence(confidence, labels), bool(remembered))
            frames[_index(index, facts)] = found
        direction = 1 if saved["direction"] > 0 else -1
        settled, revision = bool(saved["settled"]), int(saved["revision"])
        tracks.append(
            Track(_index(saved["anchor"], facts), direction, labels, revision, frames=frames, settled=settled)
        )
    return tracks


def _notes_as_json(notes: Notes) -> dict[str, Any]:
    return {"reviews": notes.reviews, "names": notes.names, "colors": notes.colors}


def _notes(content: dict[str, Any], facts: SessionFacts) -> Notes:
    """Files of earlier versions have none."""
    notes = Notes()
    for frame, (mark, checksum) in content.get("reviews", {}).items():
        if mark not in MARKS:
            raise ValueError(f"it speaks of a mark {mark}")
        notes.reviews[_index(frame, facts)] = Review(mark, int(checksum))
    notes.names = {_label(label): checked_name(name) for label, name in content.get("names", {}).items()}
    notes.colors = {_label(label): checked_color(color) for label, color in content.get("colors", {}).items()}
    return notes


def _index(frame: Any, facts: SessionFacts) -> int:
    if not 0 <= int(frame) < facts.frames:
        raise ValueError(f"it speaks of frame {frame} of {facts.frames}")
    return int(frame)


def _label(label: Any) -> int:
    if not 1 <= int(label) <= MAX_LABEL:
        raise ValueError(f"it speaks of an object {label}")
    return int(label)


def _distance(distance: Any) -> int:
    if int(distance) < 1:
        raise ValueError(f"a frame lies {distance} from its anchor")
    return int(distance)


def _confidence(confidence: Any, labels: tuple[int, ...]) -> tuple[float, ...]:
    values = tuple(map(float, confidence))
    if len(values) != len(labels) or not all(0 <= value <= 1 for value in values):
        raise ValueError(f"a track of {len(labels)} objects has the confidence {values}")
    return values


def _unpacked(blob: bytes, place: Any, size: int) -> bytes:
    """Decompress what should have so many bytes, and never more."""
    offset, length = place
    unpacked = zlib.decompressobj().decompress(blob[offset : offset + length], size + 1)
    if len(unpacked) != size:
        raise ValueError(f"a mask has not {size} bytes")
    return unpacked
