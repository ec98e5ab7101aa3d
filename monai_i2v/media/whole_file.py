# SPDX-License-Identifier: Apache-2.0
"""Whether a file of pictures is as long as it says itself."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

__all__ = ["is_whole"]

EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"  # elements of Matroska and WebM
GIF_END, PNG_END = b"\x3b", b"IEND\xae\x42\x60\x82"
TAIL = 64  # bytes; no whole file ends with so many zeros, a download that reserved its place does


def is_whole(path: Path, content: bytes | None = None) -> bool | None:
    """Compare the length of an AVI, Matroska, WebM, GIF or PNG file with what it notes.

    Args:
        path: the file.
        content: its bytes when they are in memory.

    Returns:
        True when all is there, False when some is missing, None when the file does not tell.

    Example::

        >>> from pathlib import Path
        >>> from monai_i2v.media.whole_file import is_whole
        >>> data = b"\\x1a\\x45\\xdf\\xa3\\x80" + b"\\x18\\x53\\x80\\x67\\x83" + b"abc"
        >>> is_whole(Path("a.mkv"), data), is_whole(Path("a.mkv"), data[:-1]), is_whole(Path("a.mp4"), b"else")
        (True, False, None)
    """
    with path.open("rb") if content is None else BytesIO(content) as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL))
        tail = file.read()
        file.seek(0)
        head = file.read(12)
        if head[:4] == EBML:
            end = _end_of_segment(file)
            return None if end is None else end <= size and any(tail)
        if head[:4] == b"RIFF":
            return True if _has_whole_chunks(file, size) and any(tail) else None  # some writers note too much
    if head.startswith(b"GIF8"):
        return tail.rstrip(b"\0").endswith(GIF_END)
    return PNG_END in tail if head.startswith(b"\x89PNG") else None


def _end_of_segment(file: BinaryIO) -> int | None:
    """Where a Matroska file ends; None when its writer could not go back to note it, as in a live stream."""
    file.seek(len(EBML))
    header = _read_size(file)
    if header is None:
        return None
    file.seek(header, 1)
    size = _read_size(file) if file.read(len(SEGMENT)) == SEGMENT else None
    return None if size is None else file.tell() + size


def _read_size(file: BinaryIO) -> int | None:
    """A number of 1 to 8 bytes, of which the first tells how many (EBML, RFC 8794, section 4); all ones: unknown."""
    first = file.read(1)
    if not first or first == b"\0":
        return None
    length = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(length - 1), "big") & ((1 << 7 * length) - 1)
    return None if value == (1 << 7 * length) - 1 else value


def _has_whole_chunks(file: BinaryIO, size: int) -> bool:
    """Whether the chunks of an AVI, of which a long one has several, are noted, and end within the file."""
    file.seek(0)
    end = 0
    while (head := file.read(8))[:4] == b"RIFF" and len(head) == 8:
        length = int.from_bytes(head[4:], "little")
        end = file.tell() + length
        if length < 4 or end > size:
            return False
        file.seek(end + length % 2)
    return True
