# SPDX-License-Identifier: Apache-2.0
"""Numbers of the samples of an epoch, for data that are a function of their number."""

from __future__ import annotations

from collections.abc import Iterator

from monai.data import DistributedSampler
from torch.utils.data import Dataset

__all__ = ["EpochSampler"]


class EpochSampler(DistributedSampler):
    """Sample numbers of the current epoch: every epoch has new ones, and every process its own.

    MONAI's trainers call `set_epoch`, also after a checkpoint has been loaded.

    Args:
        dataset: `Episodes` or `Clips`, whose numbers go on beyond their length.
        num_replicas: processes that train together.
        rank: number of this process.
    """

    def __init__(self, dataset: Dataset, *, num_replicas: int = 1, rank: int = 0) -> None:
        super().__init__(dataset, even_divisible=True, num_replicas=num_replicas, rank=rank, shuffle=False)

    def __iter__(self) -> Iterator[int]:
        first = self.epoch * self.total_size
        return iter(range(first + self.rank, first + self.total_size, self.num_replicas))
