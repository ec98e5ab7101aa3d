# SPDX-License-Identifier: Apache-2.0
"""What do the few-shot methods cost? Time and memory of a training step, parameters, and lines of code.

    python benchmarks/few_shot_cost.py --output FILE.json

Each light form is trained for a few steps on random episodes, in a process of its own: CPU-seconds of the best step,
and how far the process grew beyond what it held before the first one. Methods that the file has already are kept.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from arguments import names_of
from fresh_process import in_fresh_process, resident_mib
from tqdm import tqdm

from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.files.complete_file import complete_file
from monai_i2v.inferers import AutocastInferer
from monai_i2v.losses import EpisodeLoss
from monai_i2v.networks.few_shot import LIGHT_FORMS, light_network, light_optimizer

COLUMNS = ("method", "seconds_per_step", "peak_mib", "trainable_million", "lines", "code_lines")


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    args = parse_args(argv)
    rows = json.loads(args.output.read_text(encoding="utf-8"))["rows"] if args.output.exists() else []
    missing = [method for method in args.methods if method not in {row["method"] for row in rows}]
    for method in tqdm(missing):
        rows.append(in_fresh_process(measure, method, args.size, args.episodes, args.steps))
        with complete_file(args.output) as file:
            file.write_text(json.dumps({"size": args.size, "episodes": args.episodes, "rows": rows}, indent=1))
    print("| " + " | ".join(COLUMNS) + " |\n|" + " --- |" * len(COLUMNS))
    for row in rows:
        print("| " + " | ".join(str(row[column]) for column in COLUMNS) + " |")


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--methods", type=names_of("method", LIGHT_FORMS), default=list(LIGHT_FORMS), help="which ones")
    parser.add_argument("--size", type=int, default=256, help="side of the pictures, px")
    parser.add_argument("--episodes", type=int, default=8, help="of a step")
    parser.add_argument("--steps", type=int, default=3, help="the best of which counts")
    return parser.parse_args(argv)


def measure(method: str, size: int, episodes: int, steps: int) -> dict[str, Any]:
    """A row of the table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = light_network(method).train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = light_optimizer(method, network)
    loss, inferer = EpisodeLoss(), AutocastInferer()
    query, support = torch.rand(2, episodes, 3, size, size)
    mask = torch.zeros(episodes, 1, size, size)
    mask[..., size // 4 : size // 2, size // 4 : size // 2] = 1
    before, seconds = resident_mib(), []
    for _ in range(steps):
        begin = time.process_time()
        optimizer.zero_grad()
        loss(inferer(query, network, support, mask, mask), mask).backward()
        optimizer.step()
        seconds.append(time.process_time() - begin)
    trained = sum(param.numel() for param in network.parameters() if param.requires_grad)
    source = Path(inspect.getfile(type(network))).read_text(encoding="utf-8")
    return {
        "method": method,
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


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
