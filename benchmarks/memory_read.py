# SPDX-License-Identifier: Apache-2.0
"""How fast is the memory read, and how much memory does it take while it runs? Ours against the plain formulation.

    KINETO_LOG_LEVEL=5 python benchmarks/memory_read.py --threads 2 --output FILE.json

S1 to S4 keep 30 cells of keys with 64 channels; L1 to L4 are the test-time training paper's setting, 20 % of the cells
and keys as wide as a ResNet's last stages. Competitors take turns, and the fastest time of each counts. Temporaries
are what PyTorch allocated on top of inputs and result, at the worst moment. The bound is what the counted operations
and bytes of our way to read would take at the matrix product and the copy that were fastest in this run.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from arguments import names_of
from plain_stcn import plain_read
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from monai_i2v.memory import embed_keys, embed_query, read_memory
from monai_i2v.memory.affinity import kept_cells
from monai_i2v.memory.readout import DENSE_SHARE

VALUE_CHANNELS = 512
KEY_STD = 0.6  # of 64 channels; softmax is then neither flat nor all on one cell
PEAK_SIDE = 2048  # of the matrices whose product measures the machine
PEAK_BYTES = 256 << 20  # of the copy that measures it
FLOAT = 4  # bytes


@dataclass(frozen=True)
class Case:
    """Sizes of a read."""

    grid: tuple[int, int]  # h, w
    frames: int
    key_channels: int = 64
    top_k: int | None = 30
    top_fraction: float | None = None
    value_channels: int = VALUE_CHANNELS

    @property
    def queries(self) -> int:
        """Query cells."""
        return self.grid[0] * self.grid[1]

    @property
    def cells(self) -> int:
        """Memory cells."""
        return self.queries * self.frames

    @property
    def kept(self) -> int:
        """Memory cells that a query keeps."""
        share = self.top_fraction
        return kept_cells(self.top_k if share is None else math.ceil(share * self.cells), self.cells)


CASES = {
    "S1": Case((24, 24), 10),
    "S2": Case((30, 54), 10),
    "S3": Case((24, 24), 50),
    "S4": Case((30, 54), 50),
    "L1": Case((24, 24), 10, key_channels=1024, top_fraction=0.2),
    "L2": Case((30, 54), 10, key_channels=1024, top_fraction=0.2),
    "L3": Case((24, 24), 10, key_channels=2048, top_fraction=0.2),
    "L4": Case((30, 54), 10, key_channels=2048, top_fraction=0.2),
}


@dataclass(frozen=True)
class Peak:
    """What the machine can do."""

    flops: float  # per s, of a matrix product
    bytes: float  # per s, read and written by a copy


@dataclass(frozen=True)
class Row:
    """A case, measured; times in ms, memory in MB."""

    case: str
    plain_ms: float
    ours_ms: float
    ratio: float
    plain_mb: float
    ours_mb: float
    bound_ms: float
    difference: float  # the largest, relative to the largest value
    load: float  # processes that ran or waited, ours included, in the last minute


@torch.inference_mode()
def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    peak = measure_peak(args.repeats)
    print(f"{args.threads} threads, {peak.flops / 1e9:.0f} GFLOP/s, {peak.bytes / 1e9:.0f} GB/s copied\n")
    print("| case | queries x cells, D, kept | plain ms | ours ms | ratio | plain MB | ours MB | bound ms | load |")
    print("|---|---|---|---|---|---|---|---|---|")
    rows = []
    for name in args.cases:
        rows.append(measure(name, peak, args.repeats))
        print(table_line(rows[-1]), flush=True)
    if args.output is not None:
        settings = {"threads": args.threads, "repeats": args.repeats, "torch": torch.__version__, **asdict(peak)}
        args.output.write_text(json.dumps({"rows": [asdict(row) for row in rows], "settings": settings}, indent=2))


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=names_of("case", CASES), default=list(CASES), help=f"of {','.join(CASES)}")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the CPU")
    parser.add_argument("--repeats", type=int, default=10, help="turns of each competitor")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    return parser.parse_args(argv)


def measure(name: str, peak: Peak, repeats: int) -> Row:
    """Let the competitors take turns at a case."""
    case = CASES[name]
    plain, ours = competitors(case)
    plain_s, ours_s = fastest([plain, ours], repeats)
    expected, found = plain(), ours()
    return Row(
        case=name,
        plain_ms=1e3 * plain_s,
        ours_ms=1e3 * ours_s,
        ratio=plain_s / ours_s,
        plain_mb=temporary_bytes(plain) / 1e6,
        ours_mb=temporary_bytes(ours) / 1e6,
        bound_ms=1e3 * bound(case, peak),
        difference=((found - expected).abs().max() / expected.abs().max()).item(),
        load=os.getloadavg()[0],
    )


def competitors(case: Case) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
    """The plain read and ours, of the same random memory; both return (K, V, Q)."""
    generator = torch.Generator().manual_seed(0)
    d, m = case.key_channels, case.cells
    std = KEY_STD * (64 / d) ** 0.25  # distances over sqrt(D) then have the same spread for all D
    query = std * torch.randn(1, d, case.queries, generator=generator)
    keys = std * torch.randn(1, d, m, generator=generator)
    values = torch.randn(1, case.value_channels, m, generator=generator)
    top = case.kept if case.kept < m else None

    query_rows, key_rows, value_rows = (x.transpose(1, 2).contiguous() for x in (query, keys, values))
    query_rows, key_rows = embed_query(query_rows), embed_keys(key_rows)  # the bank keeps them so

    def ours() -> Tensor:
        readout = read_memory(query_rows, key_rows, value_rows.unsqueeze(1), measure="product", top_k=case.kept)
        return readout.squeeze(1).transpose(1, 2)

    return lambda: plain_read(query, keys, values, top), ours


def fastest(functions: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """The shortest time of each function, s; they take turns, the first of which does not count."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(repeats + 1):
        for function, taken in zip(functions, times, strict=True):
            begin = time.perf_counter()
            function()
            taken.append(time.perf_counter() - begin)
    return [min(taken[1:]) for taken in times]


def temporary_bytes(function: Callable[[], Tensor]) -> int:
    """Bytes that PyTorch held at the worst moment of a call, without those of the result."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        result = function()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most - result.untyped_storage().nbytes()


def measure_peak(repeats: int) -> Peak:
    """The fastest matrix product and the fastest copy of this machine, now."""
    a, b, product = torch.rand(3, PEAK_SIDE, PEAK_SIDE)
    source, target = torch.ones(2, PEAK_BYTES // FLOAT)
    product_s, copy_s = fastest([lambda: torch.mm(a, b, out=product), lambda: target.copy_(source)], repeats)
    return Peak(2 * PEAK_SIDE**3 / product_s, 2 * PEAK_BYTES / copy_s)


def bound(case: Case, peak: Peak) -> float:
    """Seconds that the read takes at least: its matrix products, or its bytes, at the machine's peak.

    Scores are taken to stay in the cache, and topk to be free.
    """
    q, m, d, v = case.queries, case.cells, case.key_channels, case.value_channels
    dense = case.kept > DENSE_SHARE * m
    flops = 2 * q * m * d + 2 * q * v * (m if dense else case.kept)
    moved = FLOAT * (d * (q + m) + v * q + v * (m if dense else q * case.kept))
    return max(flops / peak.flops, moved / peak.bytes)


def table_line(row: Row) -> str:
    """A row in Markdown."""
    case = CASES[row.case]
    sizes = f"{case.queries} x {case.cells}, {case.key_channels}, {case.kept}"
    times = f"{row.plain_ms:.1f} | {row.ours_ms:.1f} | {row.ratio:.1f} | {row.plain_mb:.0f} | {row.ours_mb:.0f}"
    return f"| {row.case} | {sizes} | {times} | {row.bound_ms:.1f} | {row.load:.1f} |"


if __name__ == "__main__":
    main()
