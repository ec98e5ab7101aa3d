# SPDX-License-Identifier: Apache-2.0
"""Where compressed frames begin and end in the fragments that DICOM keeps them in."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, NamedTuple

from pydicom.encaps import encapsulate

__all__ = ["Fragment", "Fragments", "find_fragments", "group_fragments"]

ITEM, DELIMITER = 0xFFFEE000, 0xFFFEE0DD
ITEM_HEADER = struct.Struct("<HHI")
# What a picture begins with: JPEG and JPEG-LS, a JPEG 2000 code stream, and one in a JP2 file.
PICTURE_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP")
START = max(map(len, PICTURE_STARTS))


class Fragment(NamedTuple):
    """A piece of a compressed frame, or the whole: where it lies in the file, its bytes, and how it begins."""

    begin: int
    length: int
    start: bytes


@dataclass(frozen=True)
class Fragments:
    """Compressed frames.

    Args:
        frames: the fragments of each frame.
        is_complete: whether the file goes on to the end of the last fragment.
    """

    frames: tuple[tuple[Fragment, ...], ...]
    is_complete: bool

    def item(self, file: BinaryIO, number: int) -> bytes:
        """Encapsulated pixel data of one frame."""
        content = b"".join(_read(file, fragment) for fragment in self.frames[number])
        return encapsulate([content])


def find_fragments(file: BinaryIO, begin: int, said: int) -> Fragments:
    """Find the fragments behind a position in a file, and sort them by frame, see `group_fragments`.

    Args:
        file: DICOM file.
        begin: where the value of its pixel data begins.
        said: number of frames, by the header.

    Raises:
        ValueError: When there are no fragments, or it is not clear which frame they belong to.
    """
    file.seek(begin)
    tag, size = _read_item(file)
    if tag != ITEM:
        raise ValueError("no offset table")
    content = file.read(size)
    table = [*struct.unpack(f"<{len(content) // 4}I", content[: len(content) // 4 * 4])]
    fragments: list[Fragment] = []
    tag, size = _read_item(file)
    while tag == ITEM:
        place = file.tell()
        fragments.append(Fragment(place, size, file.read(min(START, size))))
        file.seek(place + size)
        tag, size = _read_item(file)
    return Fragments(group_fragments(fragments, table, said), is_complete=tag == DELIMITER)


def group_fragments(fragments: Sequence[Fragment], table: Sequence[int], said: int) -> tuple[tuple[Fragment, ...], ...]:
    """Sort fragments by frame: by the offset table where it fits, by how pictures begin, or one for each frame.

    The first of these that gives as many frames as the header says counts, else the first that can be.

    Args:
        fragments: in the order of the file.
        table: bytes from the first fragment's item to that of each frame; empty or wrong in some files.
        said: number of frames, by the header.

    Raises:
        ValueError: When there are none, or it is not clear which frame they belong to.

    Example::

        >>> from monai_i2v.media.dicom.fragments import Fragment, group_fragments
        >>> pieces = [Fragment(8, 4, b"\\xff\\xd8\\xff"), Fragment(20, 4, b"abc"), Fragment(32, 4, b"\\xff\\xd8\\xff")]
        >>> [len(frame) for frame in group_fragments(pieces, [0, 26], said=2)]  # the table is 2 bytes off
        [2, 1]
    """
    if not fragments:
        raise ValueError("no fragments")
    offsets = [fragment.begin - fragments[0].begin for fragment in fragments]
    by_table = [offsets.index(offset) for offset in table if offset in offsets]
    by_start = [rank for rank, fragment in enumerate(fragments) if fragment.start.startswith(PICTURE_STARTS)]
    is_picture = by_start[:1] == [0]
    is_table = len(by_table) == len(table) > 0 and by_table[0] == 0 and all(a < b for a, b in pairwise(by_table))
    ways = [by_table] * is_table + [by_start] * is_picture + [[*range(len(fragments))]] * (not is_picture)
    ways += [[0]] * (said == 1 and not is_picture)
    firsts = next((way for way in ways if len(way) == said), ways[0])
    if not is_picture and not is_table and len(firsts) != said and table:
        raise ValueError(f"{len(fragments)} fragments of {said} frames")
    return tuple(tuple(fragments[a:b]) for a, b in pairwise([*firsts, len(fragments)]))


def _read_item(file: BinaryIO) -> tuple[int, int]:
    """Tag and length of an item; 0 at the end of the file."""
    header = file.read(ITEM_HEADER.size)
    if len(header) < ITEM_HEADER.size:
        return 0, 0
    group, element, size = ITEM_HEADER.unpack(header)
    return group << 16 | element, size


def _read(file: BinaryIO, fragment: Fragment) -> bytes:
    file.seek(fragment.begin)
    content = file.read(fragment.length)
    if len(content) < fragment.length:
        raise EOFError(f"{fragment.length} bytes of a frame")
    return content
