# SPDX-License-Identifier: Apache-2.0
"""Training that survives a kill: it goes on at the next epoch with the random stream it would have had."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_i2v.data.checkpoint import broken_weights
from monai_i2v.errors import UsageError

__all__ = ["Resume"]

logger = logging.getLogger(__name__)


class Resume:
    """Save everything after each epoch, and start from it when the file exists.

    Each epoch's torch random stream starts from `seed` and the epoch's number, so a resumed training repeats an
    undisturbed one (with data that is seeded the same way, such as `Episodes`).

    Args:
        path: the file; written under another name and then renamed, so a kill never leaves half of it.
        objects: what to save and load, by name: networks, optimizers, schedulers.
        seed: start of the random stream.

    Raises:
        UsageError: When training starts and the file is of another network or cannot be read; after an epoch in which
            weights stopped being finite numbers. Then the file stays that of the epoch before.
    """

    def __init__(self, path: str | Path, objects: Mapping[str, Any], *, seed: int = 0) -> None:
        self.path, self.objects, self.seed = Path(path), dict(objects), seed

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.STARTED, self._load)
        engine.add_event_handler(Events.EPOCH_STARTED, self._seed)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._save)

    def _load(self, engine: Engine) -> None:
        if not self.path.exists():
            return
        try:
            saved = torch.load(self.path, map_location="cpu", weights_only=True)
            for name, item in self._all(engine).items():
                item.load_state_dict(saved[name])
        except Exception as error:  # the unpickler raises many kinds
            raise UsageError(
                f"training cannot go on from {self.path} ({type(error).__name__}); it must come from a training with "
                f"the same settings: delete it to start anew."
            ) from error
        engine.state.epoch = saved["epoch"]
        engine.state.iteration = saved["iteration"]
        logger.info("training goes on after epoch %d (%s)", engine.state.epoch, self.path)

    def _all(self, engine: Engine) -> dict[str, Any]:
        """What to save and load, with the scale of the loss of a training in float16."""
        scaler = getattr(engine, "scaler", None)
        return self.objects if scaler is None else {**self.objects, "scaler": scaler}

    def _seed(self, engine: Engine) -> None:
        torch.manual_seed(self.seed + engine.state.epoch)

    def _save(self, engine: Engine) -> None:
        self._check(engine)
        if idist.get_rank() > 0:
            return
        saved = {name: item.state_dict() for name, item in self._all(engine).items()}
        partial = self.path.with_suffix(".partial")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({**saved, "epoch": engine.state.epoch, "iteration": engine.state.iteration}, partial)
        os.replace(partial, self.path)

    def _check(self, engine: Engine) -> None:
        networks = [item for item in self.objects.values() if isinstance(item, nn.Module)]
        broken = [name for network in networks for name in broken_weights(network)]
        if broken:
            raise UsageError(
                f"training went wrong in epoch {engine.state.epoch}: weights are no finite numbers any more "
                f"({broken[0]} and others); expected a loss that falls; delete {self.path}, which holds the epoch "
                "before, and start anew with a smaller learning rate."
            )
