# SPDX-License-Identifier: Apache-2.0
"""Named settings of test-time training."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from torch.optim import SGD, Adam

from monai_i2v.adaptation.consistency_relearner import ConsistencyRelearner
from monai_i2v.adaptation.guard import Guard
from monai_i2v.adaptation.intent import InTEnt
from monai_i2v.adaptation.rbn import RBN
from monai_i2v.adaptation.reference_trainer import ReferenceTrainer
from monai_i2v.adaptation.schedule import ReferenceSchedule, Schedule
from monai_i2v.adaptation.tent import Tent
from monai_i2v.adaptation.terms import FeatureAlignment, FirstFrame, PredictionAlignment
from monai_i2v.adaptation.test_time_trainer import TestTimeTrainer
from monai_i2v.options import MAX_SEED, read_choice, read_whole_number

__all__ = [
    "IMAGE_NET_PRESETS",
    "MEMORY_NET_PRESETS",
    "PRESETS",
    "RELEARNING_PRESETS",
    "image_net_adaptation",
    "memory_net_trainer",
    "preset_trainer",
    "relearner",
]

# What each preset sets. `paper` is the closest reading of the TTT paper, meant for all videos of a data set together;
# `paper_video` is its per-video reading. `anchored` learns the reference frame's truth from changed copies of it, while
# its masks of the video's frames follow the teacher's, everywhere and softly: what one frame teaches is not to undo
# what the network knew.
PRESETS: dict[str, dict[str, Any]] = {
    "memory_only": {"schedule": Schedule(passes=0)},
    "paper": {
        "memory": {"head_init": "random"},
        "terms": (PredictionAlignment(), FeatureAlignment()),
        "optimizer": partial(SGD, lr=1e-5, momentum=0.9),
        "schedule": Schedule(passes=100),
        "guard": None,
    },
    "paper_video": {
        "terms": (PredictionAlignment(), FeatureAlignment()),
        "optimizer": partial(SGD, lr=1e-4, momentum=0.9),
        "schedule": Schedule(passes=5),
    },
    "anchored": {
        "terms": (PredictionAlignment(threshold=1.0, target="soft"), FirstFrame()),
        "optimizer": partial(Adam, lr=3e-4),
        "schedule": Schedule(passes=1, min_steps=40, window=1, max_frames=40, anneal=True),
        "guard": Guard(max_dice_loss=0.05),
    },
}

# The same names for memory networks, which have a memory anyway and no teacher.
MEMORY_NET_PRESETS: dict[str, dict[str, Any]] = {
    "memory_only": {"schedule": ReferenceSchedule(steps=0)},
    "anchored": {
        "schedule": ReferenceSchedule(steps=40, max_frames=40, anneal=True),
        "guard": Guard(max_dice_loss=0.05),
    },
}

# Of RAB. `paper` is its closest reading, meant for all videos of a data set together.
RELEARNING_PRESETS: dict[str, dict[str, Any]] = {
    "image_only": {"schedule": Schedule(passes=0)},
    "paper": {"schedule": Schedule(passes=20), "scale": 1.0, "train_encoder": True, "guard": None},
    "relearning": {"schedule": Schedule(passes=5, max_frames=24), "learning_rate": 1e-4},
}

# To compare with: methods for the image network by itself.
IMAGE_NET_PRESETS: dict[str, Callable[..., Any]] = {
    "rbn": lambda progress: RBN(),
    "tent": lambda progress: Tent(progress=progress),
    "intent": lambda progress: InTEnt(),
    "image_only": lambda progress: None,
}


def preset_trainer(
    name: str,
    *,
    memory: Mapping[str, Any] | None = None,
    max_seconds: int | None = None,
    seed: int = 0,
    **settings: Any,
) -> TestTimeTrainer:
    """A `TestTimeTrainer` with named settings.

    Args:
        name: ``"memory_only"`` (no training), ``"paper"``, ``"paper_video"`` or ``"anchored"`` (recommended).
        memory: further arguments of `OneShotMemoryNet`, where the preset does not ask for others.
        max_seconds: time to spend at most.
        seed: start of the random stream.
        settings: arguments of `TestTimeTrainer`, in place of the preset's.

    Raises:
        UsageError: When there is no such preset, or a number is not one that can be used.

    Example::

        >>> from monai_i2v.adaptation import preset_trainer
        >>> preset_trainer("anchored", max_seconds=30).schedule
        Schedule(passes=1, min_steps=40, window=1, max_frames=40, max_seconds=30, anneal=True)
    """
    chosen = _arguments(PRESETS, name, max_seconds, seed, settings)
    return TestTimeTrainer(**{**chosen, "memory": {**(memory or {}), **chosen.get("memory", {})}})


def memory_net_trainer(
    name: str, *, max_seconds: int | None = None, seed: int = 0, **settings: Any
) -> ReferenceTrainer:
    """A `ReferenceTrainer` with named settings.

    Args:
        name: ``"memory_only"`` (no training) or ``"anchored"``.
        max_seconds: time to spend at most.
        seed: start of the random stream.
        settings: arguments of `ReferenceTrainer`, in place of the preset's.

    Raises:
        UsageError: When there is no such preset, or a number is not one that can be used.

    Example::

        >>> from monai_i2v.adaptation import memory_net_trainer
        >>> memory_net_trainer("memory_only").schedule.steps
        0
    """
    return ReferenceTrainer(**_arguments(MEMORY_NET_PRESETS, name, max_seconds, seed, settings))


def relearner(name: str, *, max_seconds: int | None = None, seed: int = 0, **settings: Any) -> ConsistencyRelearner:
    """A `ConsistencyRelearner` with named settings.

    Args:
        name: ``"image_only"`` (no training), ``"paper"`` or ``"relearning"``.
        max_seconds: time to spend at most.
        seed: start of the random stream.
        settings: arguments of `ConsistencyRelearner`, in place of the preset's.

    Raises:
        UsageError: When there is no such preset, or a number is not one that can be used.

    Example::

        >>> from monai_i2v.adaptation import relearner
        >>> relearner("paper").scale
        1.0
    """
    return ConsistencyRelearner(**_arguments(RELEARNING_PRESETS, name, max_seconds, seed, settings))


def image_net_adaptation(name: str, *, progress: bool = False) -> RBN | Tent | InTEnt | None:
    """A method of adapting the image network by itself, with its paper's settings.

    Args:
        name: ``"image_only"`` (none), ``"rbn"``, ``"tent"`` or ``"intent"``.
        progress: show a progress bar where it takes long.

    Raises:
        UsageError: When there is no such preset.

    Example::

        >>> from monai_i2v.adaptation import image_net_adaptation
        >>> image_net_adaptation("intent").mixtures
        6
    """
    _check(name, IMAGE_NET_PRESETS)
    chosen: RBN | Tent | InTEnt | None = IMAGE_NET_PRESETS[name](progress)
    return chosen


def _arguments(
    presets: Mapping[str, Mapping[str, Any]],
    name: str,
    max_seconds: int | None,
    seed: int,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """What a trainer is called with: the preset's settings, and over them the caller's."""
    _check(name, presets, max_seconds, seed)
    chosen = {**presets[name], **settings}
    if max_seconds is not None:
        chosen["schedule"] = replace(chosen["schedule"], max_seconds=max_seconds)
    return {**chosen, "seed": seed}


def _check(name: Any, presets: Collection[str], max_seconds: Any = None, seed: Any = 0) -> None:
    read_choice("preset", name, presets, use=list(presets)[-1])
    read_whole_number("max_seconds", max_seconds, 1, use=60, none="for no limit")
    read_whole_number("seed", seed, 0, MAX_SEED, use=0)
