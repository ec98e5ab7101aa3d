# SPDX-License-Identifier: Apache-2.0
"""Calls in a process of their own: what one leaves behind in memory does not count for the next."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

__all__ = ["KIB_PER_MIB", "in_fresh_process", "resident_mib"]

KIB_PER_MIB = 1024  # Linux counts memory in KiB

Result = TypeVar("Result")


def in_fresh_process(function: Callable[..., Result], *args: Any) -> Result:
    """Call a function in a Python that has done nothing before."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def resident_mib(when: Literal["VmRSS", "VmHWM"] = "VmRSS") -> float:
    """Memory that this process holds now (``VmRSS``) or held at most (``VmHWM``), MiB."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[when].split()[0]) / KIB_PER_MIB
