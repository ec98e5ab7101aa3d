# SPDX-License-Identifier: Apache-2.0
"""Named settings of test-time training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch.optim import SGD, Adam

from monai_i2v.adaptation.terms import FeatureAlignment, FirstFrame, MaskCycle, PredictionAlignment
from monai_i2v.adaptation.test_time_trainer import TestTimeTrainer
from monai_i2v.errors import UsageError

__all__ = ["PRESETS", "test_time_preset"]

# The settings of each preset, on top of what the caller gives. `paper` is the closest reading of the TTT paper and meant
# for all videos of a data set together; `paper_video` is its per-video reading; `anchored` adds the terms that know the
# reference frame's truth.
PRESETS: dict[str, Callable[[], dict[str, Any]]] = {
    "memory_only": lambda: {"passes": 0},
    "paper": lambda: {
        "memory": {"head_init": "random"},
        "terms": (PredictionAlignment(), FeatureAlignment()),
        "optimizer": partial(SGD, lr=1e-5, momentum=0.9),
        "passes": 100,
        "guard": None,
    },
    "paper_video": lambda: {
        "terms": (PredictionAlignment(), FeatureAlignment()),
        "optimizer": partial(SGD, lr=1e-4, momentum=0.9),
        "passes": 5,
    },
    "anchored": lambda: {
        "terms": (PredictionAlignment(), FeatureAlignment(), FirstFrame(), MaskCycle()),
        "optimizer": partial(Adam, lr=1e-4),
        "passes": 3,
    },
}


def test_time_preset(name: str, **settings: Any) -> TestTimeTrainer:
    """A `TestTimeTrainer` with named settings.

    Args:
        name: ``"memory_only"`` (no training), ``"paper"``, ``"paper_video"`` or ``"anchored"`` (recommended).
        settings: arguments of `TestTimeTrainer`; the preset's own win, ``memory`` is merged.

    Raises:
        UsageError: When there is no such preset.
    """
    if name not in PRESETS:
        raise UsageError(f"preset is {name!r}, expected one of {', '.join(PRESETS)}; use 'anchored'.")
    preset = PRESETS[name]()
    memory = {**settings.pop("memory", {}), **preset.pop("memory", {})}
    return TestTimeTrainer(**{**settings, **preset, "memory": memory})


test_time_preset.__test__ = False  # type: ignore[attr-defined]  # the name is the paper's, not a test's
