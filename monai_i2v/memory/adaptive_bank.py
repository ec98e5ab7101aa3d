# SPDX-License-Identifier: Apache-2.0
"""A memory of one object that absorbs what it knows already, and forgets what nobody reads (AFB-URR, 3.2).

Axes: `D` key, `V` value, `M` memory cells, `Q` query cells.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["AdaptiveBank"]

OLD_SHARE = 0.9
"""Share of the stored cell in what a cell and its like become."""
USED = 1e-3
"""A cell is used by a query that gives it more weight than this."""


class AdaptiveBank:
    """Keys and values of one object of one video; without gradients.

    A new cell that resembles a stored one is averaged into it; others are appended. Over the budget, cells that are
    read least go, those of the last frame excepted.

    Args:
        key: of the first frame, (M, D).
        value: (M, V).
        threshold: cosine of keys from which on a cell is absorbed.
        budget: the most cells that are kept; None keeps all.

    Example::

        >>> import torch
        >>> from monai_i2v.memory import AdaptiveBank
        >>> bank = AdaptiveBank(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0]]), budget=2)
        >>> bank.absorb(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([[2.0], [3.0]]))
        >>> len(bank)  # one was like the stored one, one was not
        2
    """

    def __init__(self, key: Tensor, value: Tensor, *, threshold: float = 0.95, budget: int | None = None) -> None:
        self.threshold, self.budget = threshold, budget
        self.keys, self.values = key.float(), value.float()
        self.uses = key.new_zeros(len(key), dtype=torch.float32)
        self.ages = torch.zeros_like(self.uses)

    def __len__(self) -> int:
        """Cells that the bank holds."""
        return len(self.keys)

    @torch.no_grad()
    def absorb(self, key: Tensor, value: Tensor) -> None:
        """Remember a frame, (C, D) and (C, V)."""
        key, value = key.float(), value.float()
        self.ages = self.ages + 1
        unit = F.normalize(key, dim=1)
        likeness, nearest = (unit @ F.normalize(self.keys, dim=1).T).max(dim=1)  # (C,)
        known = likeness > self.threshold
        self.keys = _blend(self.keys, unit[known], nearest[known])
        self.values = _blend(self.values, F.normalize(value[known], dim=1), nearest[known])
        self.keys, self.values = torch.cat([self.keys, key[~known]]), torch.cat([self.values, value[~known]])
        new = self.uses.new_zeros(int((~known).sum()))
        self.uses, self.ages = torch.cat([self.uses, new]), torch.cat([self.ages, new])
        self._forget()

    def read(self, query: Tensor) -> Tensor:
        """What queries (Q, D) read: (Q, V); it also counts which cells they use."""
        weights = (query.float() @ self.keys.T / math.sqrt(query.shape[1])).softmax(dim=1)  # (Q, M)
        self.uses = self.uses + (weights.detach() > USED).sum(dim=0).log1p()
        return weights @ self.values

    def _forget(self) -> None:
        if self.budget is None or len(self) <= self.budget:
            return
        worth = (self.uses / self.ages.clamp_min(1)).masked_fill(self.ages == 0, float("inf"))
        kept = worth.topk(self.budget).indices.sort().values
        self.keys, self.values, self.uses, self.ages = (x[kept] for x in (self.keys, self.values, self.uses, self.ages))


def _blend(stored: Tensor, unit: Tensor, nearest: Tensor) -> Tensor:
    """Rows (M, D) with the mean of the unit rows (C, D) that are nearest to each; lengths stay but for what cancels."""
    count = stored.new_zeros(len(stored)).index_add_(0, nearest, stored.new_ones(len(nearest))).unsqueeze(1)
    mean = torch.zeros_like(stored).index_add_(0, nearest, unit) / count.clamp_min(1)
    length = stored.norm(dim=1, keepdim=True)
    return torch.where(count > 0, OLD_SHARE * stored + (1 - OLD_SHARE) * length * mean, stored)
