# SPDX-License-Identifier: Apache-2.0
"""The memory of one video: a reference that stays, and the most recent frames.

Axes: `B` videos, `K` objects, `D` key, `V` value, `h w` features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from monai_i2v.memory.readout import MAX_BYTES, Measure, Top, embed_keys, embed_query, read_memory

__all__ = ["MemoryBank"]

# An unbounded bank that is full grows by half, at least by this many frames: each row is moved a few times at most.
MIN_GROWTH = 4


class MemoryBank:
    """Keys of frames, shared by all objects, and values per object.

    The first frame written is the reference and is never forgotten (nor are the next ones, if asked for); when the bank
    is full, each further frame replaces the oldest of the others (TTT paper 3.3). Rows are written into place: reading
    never copies the bank.

    A bounded bank takes its room at the first write, and nothing grows after that. An unbounded one moves to more room
    from time to time and holds its values twice for that moment. Room that was never written costs a CPU no memory.

    Args:
        capacity: frames, the reference included; None keeps all.
        top: memory cells that a query keeps, jointly over all frames; the TTT paper keeps 20 %.
        measure: similarity of keys, ``"l2"``, ``"dot"``, ``"cosine"`` or ``"product"``.
        max_bytes: bytes of temporaries that a read aims at, see `read_memory`.
        kept: how many of the first frames are never forgotten.

    Raises:
        ValueError: When `capacity` is less than `kept`, or `kept` less than 1.

    Example::

        >>> import torch
        >>> from monai_i2v.memory import MemoryBank
        >>> bank = MemoryBank(capacity=2, top=1)
        >>> for value in (1.0, 2.0, 3.0):  # the second frame is forgotten, the reference is not
        ...     bank.write(torch.full((1, 4, 1, 1), value), torch.full((1, 1, 1, 1, 1), value))
        >>> [bank.read(torch.full((1, 4, 1, 1), value)).item() for value in (0.0, 2.2, 9.0)]
        [1.0, 3.0, 3.0]
    """

    def __init__(
        self,
        capacity: int | None = 10,
        *,
        top: Top = 0.2,
        measure: Measure = "l2",
        max_bytes: int = MAX_BYTES,
        kept: int = 1,
    ) -> None:
        if capacity is not None and capacity < 1:
            raise ValueError(f"capacity must be 1 or more, got {capacity}; use 1 to keep the reference only.")
        if kept < 1 or (capacity is not None and kept > capacity):
            raise ValueError(f"kept must be 1 to the capacity of {capacity}, got {kept}; 1 keeps the reference.")
        self.kept = kept
        self.capacity, self.top, self.measure, self.max_bytes = capacity, top, measure, max_bytes
        self.written = 0
        self._keys = self._values = torch.empty(0)
        self._cells = 0

    def __len__(self) -> int:
        """Frames that the bank holds."""
        return self.written if self.capacity is None else min(self.written, self.capacity)

    def write(self, key: Tensor, value: Tensor) -> None:
        """Remember a frame. Gradients flow into what is remembered; detach what should not have any.

        Args:
            key: (B, D, h, w).
            value: (B, K, V, h, w).

        Raises:
            ValueError: When the frame's size is not that of the frames before.
        """
        if self.capacity is not None and self.written >= self.capacity == self.kept:
            return
        rows = embed_keys(key.flatten(2).transpose(1, 2), self.measure)  # (B, M of one frame, D or D + 1)
        if self.written and rows.shape[1] != self._cells:
            raise ValueError(
                f"the key has {rows.shape[1]} cells, but the bank's frames have {self._cells}; frames of a video must "
                "be of one size, start a new bank for another."
            )
        self._reserve(rows, value)
        start = self._next_slot() * self._cells
        self._keys = _put(self._keys, rows, start, dim=1)
        self._values = _put(self._values, value.flatten(3).transpose(2, 3), start, dim=2)
        self.written += 1

    def keep(self, key: Tensor, value: Tensor) -> None:
        """Remember a further frame for good; as `write`, and a bounded bank has room for one frame more.

        Raises:
            RuntimeError: When frames were written that may be forgotten.
            ValueError: As `write`.
        """
        if self.capacity is not None:
            if self.written > self.kept:
                raise RuntimeError("frames were written that may be forgotten; keep all annotated frames before.")
            self.kept, self.capacity = self.kept + 1, self.capacity + 1
        self.write(key, value)

    def read(self, query: Tensor) -> Tensor:
        """
        Args:
            query: (B, D, h, w).

        Returns:
            Read-out (B, K, V, h, w).

        Raises:
            RuntimeError: When nothing has been written yet.
        """
        if self.written == 0:
            raise RuntimeError("the memory bank is empty; write the reference frame before the first read.")
        readout = read_memory(
            embed_query(query.flatten(2).transpose(1, 2), self.measure),
            self.keys,
            self.values.flatten(2, 3),
            measure="product",
            top=self.top,
            max_bytes=self.max_bytes,
        )
        return readout.transpose(2, 3).unflatten(3, query.shape[-2:])

    @property
    def keys(self) -> Tensor:
        """Remembered keys (B, M, D), embedded by the measure (see `embed_keys`)."""
        return self._keys[:, : len(self) * self._cells]

    @property
    def values(self) -> Tensor:
        """Remembered values (B, K, frames, M of one frame, V), the reference first."""
        return self._values[:, :, : len(self) * self._cells].unflatten(2, (len(self), self._cells))

    def _next_slot(self) -> int:
        if self.capacity is None or self.written < self.capacity:
            return self.written
        return self.kept + (self.written - self.kept) % (self.capacity - self.kept)

    def _reserve(self, rows: Tensor, value: Tensor) -> None:
        """Make room: all of it at once when bounded, half as much again each time when not."""
        b, self._cells, d = rows.shape
        k, v = value.shape[1:3]
        room = self._keys.shape[1] // self._cells if self.written else 0
        if self._next_slot() < room:
            return
        cells = self._cells * (self.capacity or room + max(MIN_GROWTH, room // 2))
        self._keys = _grow(self._keys, rows.new_empty((b, cells, d)), dim=1)
        self._values = _grow(self._values, value.new_empty((b, k, cells, v)), dim=2)


def _put(store: Tensor, rows: Tensor, start: int, dim: int) -> Tensor:
    """Write rows into place; with gradients into a copy, as an earlier read may need the old rows to go backward."""
    if torch.is_grad_enabled():
        return store.slice_scatter(rows.to(store.dtype), dim, start, start + rows.shape[dim])
    store.narrow(dim, start, rows.shape[dim]).copy_(rows)
    return store


def _grow(old: Tensor, new: Tensor, dim: int) -> Tensor:
    if old.numel():
        new.narrow(dim, 0, old.shape[dim]).copy_(old)
    return new
