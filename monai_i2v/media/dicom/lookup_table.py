# SPDX-License-Identifier: Apache-2.0
"""Lookup tables of DICOM, read by their entries: what their descriptors say is often wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["LookupTable", "expand_segments", "read_table"]

FULL = 1 << 16  # entries of a table that says 0
DISCRETE, LINEAR, INDIRECT = 0, 1, 2  # kinds of segments (PS3.3 C.7.9.2)


class LookupTable(NamedTuple):
    """Values by pixel.

    Args:
        first: the pixel value that the first entry is for; lower ones have it too, as higher ones have the last.
        entries: (N,), unsigned.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.media.dicom.lookup_table import LookupTable
        >>> LookupTable(-1, np.array([10, 20, 30]))(np.array([-5, 0, 7]))
        array([10, 20, 30])
    """

    first: int
    entries: np.ndarray

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Look up pixels of any shape."""
        return self.entries[np.clip(pixels.astype(np.int64) - self.first, 0, len(self.entries) - 1)]

    @property
    def top(self) -> int:
        """Highest value that entries with so many bits can have."""
        return int((1 << int(self.entries.max(initial=1)).bit_length()) - 1)


def read_table(
    descriptor: Sequence[int], data: bytes | Sequence[int], *, is_signed: bool, is_little: bool = True
) -> LookupTable:
    """Read a table; whether its entries have 8 or 16 bits is told by how many bytes there are.

    Args:
        descriptor: number of entries (0 for 65536), first pixel value, bits per entry.
        data: entries, as numbers, or as bytes.
        is_signed: whether pixel values are signed.
        is_little: whether words are little endian.

    Raises:
        ValueError: When there are no entries.
    """
    count, first, _ = descriptor
    if isinstance(data, bytes):
        kind = np.dtype(np.uint8) if len(data) < 2 * (count or FULL) else np.dtype("<u2" if is_little else ">u2")
        if not count and len(data) < 2 * FULL:  # fewer entries than it says; 256 of 8 bit are the most of these
            kind = np.dtype(np.uint8) if len(data) <= 256 else np.dtype("<u2" if is_little else ">u2")
        entries = np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind)
    else:
        entries = np.atleast_1d(np.asarray(data)).astype(np.uint16)
    if not entries.size:
        raise ValueError("a lookup table without entries")
    return LookupTable(_first(int(first), is_signed), entries[: count or FULL])


def expand_segments(descriptor: Sequence[int], data: bytes, *, is_little: bool = True) -> np.ndarray:
    """Entries of a segmented table (PS3.3 C.7.9.2), whose words have 8 or 16 bits: what gives the number of entries.

    Raises:
        ValueError: When neither does.

    Example::

        >>> from monai_i2v.media.dicom.lookup_table import expand_segments
        >>> expand_segments([6, 0, 8], bytes([0, 2, 5, 10, 1, 4, 50])).tolist()  # 5 and 10, and 4 steps to 50
        [5, 10, 20, 30, 40, 50]
    """
    count = descriptor[0] or FULL
    kinds: list[np.dtype[Any]] = [np.dtype(np.uint8), np.dtype("<u2" if is_little else ">u2")]
    for kind in kinds if descriptor[2] <= 8 else reversed(kinds):
        words = np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind).astype(int).tolist()
        try:
            entries = _expand(words, kind.itemsize)
        except (IndexError, ValueError, RecursionError):
            continue
        if len(entries) in (count, count + 1):
            return np.array(entries[:count], np.uint16)
    raise ValueError(f"a segmented lookup table that does not give {count} entries")


def _expand(words: Sequence[int], size: int) -> list[int]:
    entries: list[int] = []
    place = 0
    while place + 1 < len(words):  # a last word alone is padding
        place = _expand_one(words, place, size, entries)
    return entries


def _expand_one(words: Sequence[int], place: int, size: int, entries: list[int]) -> int:
    """Append the entries of the segment at a place; return the place of the next."""
    kind, length = words[place], words[place + 1]
    place += 2
    if kind == DISCRETE:
        entries += words[place : place + length]
        return place + length
    if kind == LINEAR:
        last, end = entries[-1], words[place]
        entries += [round(last + (end - last) * step / length) for step in range(1, length + 1)]
        return place + 1
    if kind != INDIRECT:
        raise ValueError(f"segment of kind {kind}")
    parts = words[place : place + 4 // size]
    other = sum(part << 8 * size * rank for rank, part in enumerate(parts)) // size
    if other >= place - 2:
        raise ValueError("a segment that refers to itself")
    for _ in range(length):
        other = _expand_one(words, other, size, entries)
    return place + len(parts)


def _first(first: int, is_signed: bool) -> int:
    """First pixel value, whatever sign it was stored with."""
    if is_signed:
        return first - FULL if first >= FULL // 2 else first
    return first + FULL if first < 0 else first
