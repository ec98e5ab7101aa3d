# SPDX-License-Identifier: Apache-2.0
"""Cutie (Cheng et al., CVPR 2024) with weights of yours, from a clone of hkchengrex/Cutie.

Axes: `N` objects that the reference shows, `H W` pixels of the frame.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from monai_i2v.external.clone import Clone, without_download
from monai_i2v.external.external_segmenter import ExternalSegmenter

__all__ = ["CUTIE_CONFIGS", "CutieSegmenter", "build_cutie"]

CUTIE_CONFIGS = {"cutie_small": "small.yaml", "cutie_base": "base.yaml"}
SIZE = 480  # px, as released
STRIDE = 16


class CutieSegmenter(ExternalSegmenter[Any]):
    """Cutie's ``InferenceCore``, one per video; its memory holds five frames.

    Args:
        network: a ``CUTIE``.
        core: makes an ``InferenceCore`` of the network and a configuration.
        config: what the core reads.
        size: short side of the frames, px.
        source: see `ExternalSegmenter`.
    """

    def __init__(
        self, network: nn.Module, core: Callable[..., Any], config: Any, *, size: int = SIZE, source: str = "unknown"
    ) -> None:
        super().__init__(network, size=size, frame_size=size, source=source)
        self.core, self.config = core, config

    def begin(self, frame: Tensor, masks: Tensor) -> Any:
        config, cells = self.config, -(-frame.shape[-2] // STRIDE) * -(-frame.shape[-1] // STRIDE)
        if cells < config.top_k:  # it cannot choose more than there are
            config = copy.deepcopy(config)
            config.top_k = cells
        core = self.core(self.network, cfg=config)
        core.step(frame, masks, objects=list(range(1, len(masks) + 1)), idx_mask=False)
        return core

    def look(self, frame: Tensor, engine: Any) -> Tensor:
        found: Tensor = engine.step(frame)[1:]
        return found


def build_cutie(name: str, repository: str | Path | None, size: int | None = None) -> CutieSegmenter:
    """Cutie with random weights.

    Args:
        name: one of `CUTIE_CONFIGS`.
        repository: a clone.
        size: short side of the frames, px; None for 480.

    Raises:
        UsageError: When it is no clone, or a package is missing.
    """
    files = ["cutie/model/cutie.py", "cutie/inference/inference_core.py", "cutie/config/eval_config.yaml"]
    clone = Clone(repository, "hkchengrex/Cutie", files)
    with clone.open() as load:
        config = _config(load("omegaconf").OmegaConf, clone.path / "cutie" / "config", CUTIE_CONFIGS[name])
        without_download(load("cutie.model.utils.resnet"))
        network = load("cutie.model.cutie").CUTIE(config)
        core = load("cutie.inference.inference_core").InferenceCore
    return CutieSegmenter(network, core, config, size=size or SIZE, source=clone.commit)


def _config(reader: Any, folder: Path, model: str) -> Any:
    """The files that hydra would put together, and the settings of DAVIS 2017 (a memory frame in five)."""
    config = reader.load(folder / "eval_config.yaml")
    parts = [reader.load(folder / "model" / file) for file in dict.fromkeys(["base.yaml", model])]
    for part in (config, *parts):
        for key in ("defaults", "hydra", "datasets"):
            part.pop(key, None)
    config.model = reader.merge(*parts)
    config.mem_every, config.use_long_term = 5, False
    return config
