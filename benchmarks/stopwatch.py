# SPDX-License-Identifier: Apache-2.0
"""Where the time of a command goes: a stopwatch around the functions that its stages consist of.

A command's config calls `watch` first; when the process ends, what was measured goes to a file. Each stage has the wall
seconds and the CPU seconds that its own functions took, without those of other stages that they call. Threads count
each for themselves, so what overlaps adds up to more than the whole. CPU seconds are those of the thread that calls:
the helpers of PyTorch's and FFmpeg's thread pools are not in them.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import importlib.util
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fresh_process import resident_mib

__all__ = ["BEGIN", "OUTPUT", "STAGES", "build", "watch"]

BEGIN, OUTPUT = "STOPWATCH_BEGIN", "STOPWATCH_OUTPUT"  # environment: when the command began, and where results go

# Per stage, what it consists of: module, and name in it. What a checkout does not have is left out.
STAGES: dict[str, tuple[tuple[str, str], ...]] = {
    "decoding": (
        ("monai_i2v.media.video", "Video.__getitem__"),
        ("monai_i2v.media.read_ahead", "ReadAhead._make"),
    ),
    "network": (
        ("monai_i2v.tracking.shared_features", "SharedFeatures.start"),
        ("monai_i2v.tracking.shared_features", "SharedFeatures.step"),
    ),
    "resizing": (("monai_i2v.tracking.working_frames", "WorkingFrames._resize"),),
    "label maps": (
        ("monai_i2v.tracking.working_frames", "WorkingFrames.restore"),
        ("monai_i2v.engines.video_evaluator", "VideoEvaluator._label"),
        ("monai_i2v.engines.video_run", "VideoRun.send"),
        ("monai_i2v.engines.video_run", "VideoRun.label"),
    ),
    "masks": (
        ("monai_i2v.masks.mask_writers", "MaskWriter.write"),
        ("monai_i2v.masks.mask_writers", "MaskWriter.close"),
    ),
    "overlay": (
        ("monai_i2v.report.overlay_movie", "OverlayMovie.write"),
        ("monai_i2v.report.overlay_movie", "OverlayMovie.close"),
    ),
    "report": (
        ("monai_i2v.handlers.save_video_results", "_Results.add"),
        ("monai_i2v.handlers.save_video_results", "_Results.close"),
    ),
}
FIRST_MASK = 2  # the first mask written is the given one, or the network's first if that is later


class _Times:
    """Seconds per stage, of all threads."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self.first_mask, self.masks = 0.0, 0
        self._lock, self._running = threading.Lock(), threading.local()

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its own time added to a stage."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            inner: list[list[float]] = self._running.__dict__.setdefault("stack", [])
            inner.append([0.0, 0.0])
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
                nested_wall, nested_cpu = inner.pop()
                if inner:
                    inner[-1][0] += wall
                    inner[-1][1] += cpu
                self._add(stage, wall - nested_wall, cpu - nested_cpu)

        return call

    def _add(self, stage: str, wall: float, cpu: float) -> None:
        with self._lock:
            self.wall[stage] += wall
            self.cpu[stage] += cpu
            self.masks += stage == "masks"
            if stage == "masks" and self.masks == FIRST_MASK:
                self.first_mask = time.time()


def watch() -> None:
    """Begin to measure; the process's end writes JSON to the file that the environment names."""
    times, begin, now = _Times(), float(os.environ[BEGIN]), time.time()
    for stage, parts in STAGES.items():
        for module, path in parts:
            if importlib.util.find_spec(module) is None:
                continue
            _wrap(functools.partial(times.timed, stage), importlib.import_module(module), path)
    cpu = time.process_time()
    atexit.register(_write, times, begin, now - begin, cpu)


def _wrap(timed: Callable[..., Any], module: Any, path: str) -> None:
    *parents, name = path.split(".")
    owner = functools.reduce(getattr, parents, module)
    if name in vars(owner):
        setattr(owner, name, timed(vars(owner)[name]))


def _write(times: _Times, begin: float, imports: float, imports_cpu: float) -> None:
    facts = {
        "wall": {"imports": imports, **times.wall},
        "cpu": {"imports": imports_cpu, **times.cpu},
        "first_mask": times.first_mask - begin,
        "total": time.time() - begin,
        "total_cpu": time.process_time(),
        "peak_mib": resident_mib("VmHWM"),
    }
    Path(os.environ[OUTPUT]).write_text(json.dumps(facts), encoding="utf-8")


def build(source: str) -> Any:
    """What a script's callable makes, from ``FILE.py:NAME``: a `VideoSegmenter`."""
    path, _, name = source.rpartition(":")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)().eval()
