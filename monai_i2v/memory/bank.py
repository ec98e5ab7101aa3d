# SPDX-License-Identifier: Apache-2.0
"""The memory of one video: a reference that stays, and the most recent frames.

Axes: `B` videos, `K` objects, `D` key, `V` value, `h w` features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from monai_i2v.memory.readout import Measure, Top, read_memory

__all__ = ["MemoryBank"]


class MemoryBank:
    """Keys of frames, shared by all objects, and values per object.

    The first frame written is the reference and is never forgotten; when the bank is full, each further frame replaces
    the oldest of the others (TTT paper 3.3). Rows are written into place: reading never copies the bank.

    Args:
        capacity: frames, the reference included; None keeps all.
        top: memory cells that a query keeps, jointly over all frames; the TTT paper keeps 20 %.
        measure: similarity of keys, ``"l2"``, ``"dot"`` or ``"cosine"``.

    Raises:
        ValueError: When `capacity` is less than 1.

    Example::

        >>> import torch
        >>> from monai_i2v.memory import MemoryBank
        >>> bank = MemoryBank(capacity=2, top=1)
        >>> for value in (1.0, 2.0, 3.0):  # the second frame is forgotten, the reference is not
        ...     bank.write(torch.full((1, 4, 1, 1), value), torch.full((1, 1, 1, 1, 1), value))
        >>> [bank.read(torch.full((1, 4, 1, 1), value)).item() for value in (0.0, 2.2, 9.0)]
        [1.0, 3.0, 3.0]
    """

    def __init__(self, capacity: int | None = 10, *, top: Top = 0.2, measure: Measure = "l2") -> None:
        if capacity is not None and capacity < 1:
            raise ValueError(f"capacity must be 1 or more, got {capacity}; use 1 to keep the reference only.")
        self.capacity, self.top, self.measure = capacity, top, measure
        self.written = 0
        self._keys = self._values = self._squares = torch.empty(0)
        self._cells = 0

    def __len__(self) -> int:
        """Frames that the bank holds."""
        return self.written if self.capacity is None else min(self.written, self.capacity)

    def write(self, key: Tensor, value: Tensor) -> None:
        """Remember a frame; what is remembered is detached.

        Args:
            key: (B, D, h, w).
            value: (B, K, V, h, w).
        """
        if self.capacity is not None and self.written >= self.capacity == 1:
            return
        rows = key.detach().flatten(2).transpose(1, 2)  # (B, M of one frame, D)
        self._reserve(rows, value)
        slot = self._next_slot() * self._cells
        place = slice(slot, slot + self._cells)
        self._keys[:, place] = rows
        self._squares[:, place] = rows.square().sum(-1)
        self._values[:, :, place] = value.detach().flatten(3).transpose(2, 3)
        self.written += 1

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
        used = len(self) * self._cells
        readout = read_memory(
            query.flatten(2).transpose(1, 2),
            self._keys[:, :used],
            self._values[:, :, :used],
            measure=self.measure,
            top=self.top,
            squares=self._squares[:, :used],
        )
        return readout.transpose(2, 3).unflatten(3, query.shape[-2:])

    def _next_slot(self) -> int:
        if self.capacity is None or self.written < self.capacity:
            return self.written
        return 1 + (self.written - 1) % (self.capacity - 1)

    def _reserve(self, rows: Tensor, value: Tensor) -> None:
        """Make room: all of it at once when bounded, twice as much each time when not."""
        b, self._cells, d = rows.shape
        k, v = value.shape[1:3]
        room = self._keys.shape[1] // self._cells if self.written else 0
        if self._next_slot() < room:
            return
        frames = self.capacity if self.capacity is not None else max(4, 2 * room)
        grown = frames * self._cells
        self._keys = _grow(self._keys, rows.new_zeros(b, grown, d), dim=1)
        self._squares = _grow(self._squares, rows.new_zeros(b, grown), dim=1)
        self._values = _grow(self._values, value.new_zeros(b, k, grown, v), dim=2)


def _grow(old: Tensor, new: Tensor, dim: int) -> Tensor:
    if old.numel():
        new.narrow(dim, 0, old.shape[dim]).copy_(old)
    return new
