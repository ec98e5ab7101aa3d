# SPDX-License-Identifier: Apache-2.0
"""Several processes, started by ``torchrun``: each segments whole videos."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

import ignite.distributed as idist
import torch
import torch.distributed as dist

from monai_i2v.data import VideoCase
from monai_i2v.errors import UsageError

__all__ = ["batch_share", "fair_shares", "join_processes", "share_cases"]

Item = TypeVar("Item")

# A process that is done waits for the others, which may have long videos.
PATIENCE = timedelta(days=30)


def join_processes(backend: str = "gloo") -> None:
    """Connect the processes that ``torchrun`` started, each with a CUDA device of its own.

    Without ``torchrun``, or when they are connected, nothing happens. The bundles call this in ``initialize``.

    Args:
        backend: how they talk, ``"gloo"``, or ``"nccl"`` to train on GPUs.
    """
    if not dist.is_torchelastic_launched() or dist.is_initialized():
        return
    local_rank = os.environ["LOCAL_RANK"]
    # Within a Slurm job Ignite takes the local rank from Slurm, which does not know the processes of torchrun.
    os.environ["SLURM_LOCALID"] = local_rank
    if torch.cuda.is_available():
        torch.cuda.set_device(int(local_rank) % torch.cuda.device_count())
    dist.init_process_group(backend, timeout=PATIENCE if backend == "gloo" else None)
    idist.sync()


def batch_share(batch_size: int) -> int:
    """Clips or episodes of a training step that fall to each process.

    Raises:
        UsageError: When the processes cannot share the batch evenly.

    Example::

        >>> from monai_i2v.compute import batch_share
        >>> batch_share(8)
        8
    """
    processes = idist.get_world_size()
    if batch_size % processes:
        raise UsageError(
            f"batch_size is {batch_size}, which {processes} processes cannot share evenly, expected a multiple of "
            f"{processes}; use {processes * -(-batch_size // processes)}, or start fewer processes."
        )
    return batch_size // processes


def share_cases(cases: Sequence[VideoCase]) -> list[VideoCase]:
    """The videos of this process, the longest first; all of them, as they come, when there is no other process.

    All processes must call this. What the first of them was given counts, so that none is done twice or by nobody when
    their lists differ (as `unfinished` ones may).
    """
    rank, processes = idist.get_rank(), idist.get_world_size()
    if processes == 1:
        return list(cases)
    given = [list(cases)]
    dist.broadcast_object_list(given)
    sizes = [0] * len(given[0])
    for start, part in enumerate(idist.all_gather([_size(case) for case in given[0][rank::processes]])):
        sizes[start::processes] = part
    return fair_shares(given[0], sizes, processes)[rank]


def _size(case: VideoCase) -> int:
    """Frames times pixels; none when the video cannot be opened, which is told when its turn comes."""
    try:
        with case.open() as video:
            return video.info.length * video.info.height * video.info.width
    except UsageError:
        return 0


def fair_shares(items: Sequence[Item], sizes: Sequence[float], count: int) -> list[list[Item]]:
    """Deal items out, the largest first, each to the one who has least so far.

    Args:
        items: what is dealt out.
        sizes: size of each.
        count: number of shares.

    Returns:
        The shares; those of equal size are dealt in their order.

    Example::

        >>> from monai_i2v.compute import fair_shares
        >>> fair_shares("abcd", [1, 5, 2, 3], 2)
        [['b', 'a'], ['d', 'c']]
    """
    shares: list[list[Item]] = [[] for _ in range(count)]
    loads = [0.0] * count
    for item, size in sorted(zip(items, sizes, strict=True), key=lambda pair: -pair[1]):
        least = loads.index(min(loads))
        shares[least].append(item)
        loads[least] += size
    return shares
