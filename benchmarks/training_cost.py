# SPDX-License-Identifier: Apache-2.0
"""What methods that are compared cost: time and memory of a training step, parameters, and lines of code."""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from arguments import names_of
from fresh_process import in_fresh_process, resident_mib
from torch import Tensor, nn
from tqdm import tqdm

from monai_i2v.files.complete_file import complete_file

__all__ = ["cost_parser", "count_code", "measure_each", "measure_steps"]

COLUMNS = ("method", "seconds_per_step", "peak_mib", "trainable_million", "lines", "code_lines")


def cost_parser(about: str | None, methods: Collection[str]) -> argparse.ArgumentParser:
    """The part of the command line that all comparisons share."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--methods", type=names_of("method", methods), default=list(methods), help="which ones")
    parser.add_argument("--size", type=int, default=256, help="side of the pictures, px")
    parser.add_argument("--steps", type=int, default=3, help="the best of which counts")
    return parser


def measure_each(measure: Callable[..., dict[str, Any]], args: argparse.Namespace, **settings: int) -> None:
    """Measure methods in processes of their own, but those that the file has already, and print a table.

    Args:
        measure: from a method and the settings to a row.
        args: what `cost_parser` gave.
        settings: what all rows of the file have in common.
    """
    rows = json.loads(args.output.read_text(encoding="utf-8"))["rows"] if args.output.exists() else []
    missing = [method for method in args.methods if method not in {row["method"] for row in rows}]
    for method in tqdm(missing):
        rows.append({"method": method, **in_fresh_process(measure, method, *settings.values(), args.steps)})
        with complete_file(args.output) as file:
            file.write_text(json.dumps({**settings, "rows": rows}, indent=1))
    print("| " + " | ".join(COLUMNS) + " |\n|" + " --- |" * len(COLUMNS))
    for row in rows:
        print("| " + " | ".join(str(row[column]) for column in COLUMNS) + " |")


def measure_steps(
    network: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Callable[[], Tensor], steps: int
) -> Mapping[str, Any]:
    """CPU-seconds of the best of some steps, and how far the process grew beyond what it held before the first."""
    before, seconds = resident_mib(), []
    for _ in range(steps):
        begin = time.process_time()
        optimizer.zero_grad()
        loss_of().backward()
        optimizer.step()
        seconds.append(time.process_time() - begin)
    trained = sum(param.numel() for param in network.parameters() if param.requires_grad)
    source = Path(inspect.getfile(type(network))).read_text(encoding="utf-8")
    return {
        "seconds_per_step": round(min(seconds), 2),
        "peak_mib": round(resident_mib("VmHWM") - before),
        "trainable_million": round(trained / 1e6, 2),
        "lines": len(source.splitlines()),
        "code_lines": count_code(source),
    }


def count_code(source: str) -> int:
    """Lines of a module that are neither empty, comment nor docstring."""
    told: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            told.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") and number not in told for number, line in lines)
