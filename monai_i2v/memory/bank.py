# SPDX-License-Identifier: Apache-2.0
"""The memory of one video: a reference that stays, and the most recent frames.

Axes: `B` videos, `K` objects, `D` key, `V` value, `h w` features.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from monai_i2v.memory.readout import MAX_BYTES, read_memory
from monai_i2v.memory.similarity import Measure, embed_keys, embed_query

__all__ = ["MemoryBank", "oldest_frame"]

# An unbounded bank that is full grows by half, at least by this many frames: each row is moved a few times at most.
MIN_GROWTH = 4


class MemoryBank:
    """Keys of frames, shared by all objects, and values per object.

    The first frame written is the reference and is never forgotten (nor are the next ones, if asked for); when the bank
    is full, each further frame replaces the oldest of the others (TTT paper 3.3), or the one that `evict` names. Rows
    are written into place: reading never copies the bank.

    A bounded bank takes its room at the first write, and nothing grows after that. An unbounded one moves to more room
    from time to time and holds its values twice for that moment. Room that was never written costs a CPU no memory.

    Args:
        max_mem_frames: frames that it holds, the reference included; None keeps all.
        top_k: memory cells that a query keeps, jointly over all frames; None for all.
        top_fraction: the share of cells that it keeps, instead of `top_k`; the TTT paper keeps 0.2.
        measure: similarity of keys, ``"l2"``, ``"dot"``, ``"cosine"`` or ``"product"``.
        max_bytes: bytes of temporaries that a read aims at, see `read_memory`.
        permanent: how many of the first frames are never forgotten.
        evict: names the place of the frame that a full bank forgets; see `oldest_frame`.
        weigh: what is added to the similarity of each remembered frame's cells, (frames,), or None for nothing.

    Raises:
        ValueError: When `max_mem_frames` is less than `permanent`, or `permanent` less than 1.

    Example::

        >>> import torch
        >>> from monai_i2v.memory import MemoryBank
        >>> bank = MemoryBank(max_mem_frames=2, top_k=1)
        >>> for value in (1.0, 2.0, 3.0):  # the second frame is forgotten, the reference is not
        ...     bank.write(torch.full((1, 4, 1, 1), value), torch.full((1, 1, 1, 1, 1), value))
        >>> [bank.read(torch.full((1, 4, 1, 1), value)).item() for value in (0.0, 2.2, 9.0)]
        [1.0, 3.0, 3.0]
    """

    def __init__(
        self,
        max_mem_frames: int | None = 10,
        *,
        top_k: int | None = None,
        top_fraction: float | None = None,
        measure: Measure = "l2",
        max_bytes: int = MAX_BYTES,
        permanent: int = 1,
        evict: Callable[[MemoryBank], int] | None = None,
        weigh: Callable[[MemoryBank], Tensor | None] | None = None,
    ) -> None:
        if permanent < 1 or (max_mem_frames is not None and permanent > max_mem_frames):
            raise ValueError(
                f"max_mem_frames is {max_mem_frames} and permanent {permanent}, expected at least 1 permanent frame "
                "and room for it; use 1 and 1 to keep the reference only."
            )
        self.max_mem_frames, self.permanent = max_mem_frames, permanent
        self.top_k, self.top_fraction, self.measure, self.max_bytes = top_k, top_fraction, measure, max_bytes
        self.evict, self.weigh = evict or oldest_frame, weigh
        self.written = 0  # frames so far, those that were forgotten included
        self.written_at: list[int] = []  # per remembered frame, how many were written before it
        self._keys = self._values = torch.empty(0)
        self._cells = 0

    def __len__(self) -> int:
        """Frames that the bank holds."""
        return len(self.written_at)

    def write(self, key: Tensor, value: Tensor) -> None:
        """Remember a frame. Gradients flow into what is remembered; detach what should not have any.

        Args:
            key: (B, D, h, w).
            value: (B, K, V, h, w).

        Raises:
            ValueError: When the frame's size is not that of the frames before.
        """
        if self._is_full and self.permanent == len(self):
            return
        rows = embed_keys(key.flatten(2).transpose(1, 2), self.measure)  # (B, M of one frame, D or D + 1)
        if self.written and rows.shape[1] != self._cells:
            raise ValueError(
                f"the key has {rows.shape[1]} cells, but the bank's frames have {self._cells}; frames of a video must "
                "be of one size, start a new bank for another."
            )
        place = self.evict(self) if self._is_full else len(self)
        self._reserve(rows, value, place)
        self._keys = _put(self._keys, rows, place * self._cells, dim=1)
        self._values = _put(self._values, value.flatten(3).transpose(2, 3), place * self._cells, dim=2)
        self.written_at[place : place + 1] = [self.written]
        self.written += 1

    def keep(self, key: Tensor, value: Tensor) -> None:
        """Remember a further frame for good; as `write`, and a bounded bank has room for one frame more.

        Raises:
            RuntimeError: When frames were written that may be forgotten.
            ValueError: As `write`.
        """
        if self.written > self.permanent:
            raise RuntimeError("frames were written that may be forgotten; keep all annotated frames before.")
        if self.written == self.permanent:
            self.permanent += 1
            self.max_mem_frames = None if self.max_mem_frames is None else self.max_mem_frames + 1
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
            *self._weighted(embed_query(query.flatten(2).transpose(1, 2), self.measure), self.keys),
            self.values.flatten(2, 3),
            measure="product",
            top_k=self._cells_to_read(),
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

    @property
    def drawn_cells(self) -> int:
        """Cells of the frames that are never forgotten, which come first."""
        return min(self.permanent, len(self)) * self._cells

    @property
    def _is_full(self) -> bool:
        return self.max_mem_frames is not None and len(self) >= self.max_mem_frames

    def _cells_to_read(self) -> int | None:
        if self.top_fraction is None:
            return self.top_k
        return math.ceil(self.top_fraction * len(self) * self._cells)

    def _weighted(self, query: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Embedded queries and keys with one more channel, for what `weigh` adds to each frame's similarities."""
        added = None if self.weigh is None else self.weigh(self)
        if added is None:
            return query, keys
        column = added.to(keys).repeat_interleave(self._cells).view(1, -1, 1).expand(keys.shape[0], -1, -1)
        return F.pad(query, (0, 1), value=1.0), torch.cat([keys, column], dim=-1)

    def _reserve(self, rows: Tensor, value: Tensor, place: int) -> None:
        """Make room: all of it at once when bounded, half as much again each time when not."""
        b, self._cells, d = rows.shape
        k, v = value.shape[1:3]
        room = self._keys.shape[1] // self._cells if self.written else 0
        if place < room:
            return
        cells = self._cells * (self.max_mem_frames or room + max(MIN_GROWTH, room // 2))
        self._keys = _grow(self._keys, rows.new_empty((b, cells, d)), dim=1)
        self._values = _grow(self._values, value.new_empty((b, k, cells, v)), dim=2)


def oldest_frame(bank: MemoryBank) -> int:
    """The place of the frame that was written first, of those that may be forgotten."""
    return min(range(bank.permanent, len(bank)), key=bank.written_at.__getitem__)


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
