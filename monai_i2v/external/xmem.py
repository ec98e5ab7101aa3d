# SPDX-License-Identifier: Apache-2.0
"""XMem (Cheng and Schwing, ECCV 2022) with weights of yours, from a clone of hkchengrex/XMem.

Axes: `N` objects that the reference shows, `H W` pixels of the frame.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from monai_i2v.external.clone import Clone, without_download
from monai_i2v.external.external_segmenter import ExternalSegmenter, imagenet_normalized

__all__ = ["XMemSegmenter", "build_xmem"]

SIZE = 480  # px, as released
# The defaults of its evaluation, with the long-term memory on.
CONFIG: dict[str, Any] = {
    "top_k": 30,
    "mem_every": 5,
    "deep_update_every": -1,
    "enable_long_term": True,
    "enable_long_term_count_usage": True,
    "max_mid_term_frames": 10,
    "min_mid_term_frames": 5,
    "num_prototypes": 128,
    "max_long_term_elements": 10000,
}


class XMemSegmenter(ExternalSegmenter[Any]):
    """XMem's ``InferenceCore``, one per video; its long-term memory is bounded.

    Args:
        network: an ``XMem``.
        core: makes an ``InferenceCore`` of the network and a configuration.
        config: what the core reads.
        size: short side of the frames, px.
        source: see `ExternalSegmenter`.
    """

    def __init__(
        self,
        network: nn.Module,
        core: Callable[..., Any],
        config: dict[str, Any],
        *,
        size: int = SIZE,
        source: str = "unknown",
    ) -> None:
        super().__init__(network, size=size, frame_size=size, source=source)
        self.core, self.config = core, config

    def begin(self, frame: Tensor, masks: Tensor) -> Any:
        core, labels = self.core(self.network, config=self.config), list(range(1, len(masks) + 1))
        core.set_all_labels(labels)
        core.step(imagenet_normalized(frame), masks, labels)
        return core

    def look(self, frame: Tensor, engine: Any) -> Tensor:
        found: Tensor = engine.step(imagenet_normalized(frame))[1:]
        return found


def build_xmem(name: str, repository: str | Path | None, size: int | None = None) -> XMemSegmenter:
    """XMem with random weights.

    Args:
        name: ``"xmem"``.
        repository: a clone.
        size: short side of the frames, px; None for 480.

    Raises:
        UsageError: When it is no clone, or a package is missing.
    """
    clone = Clone(repository, "hkchengrex/XMem", ["model/network.py", "inference/inference_core.py"])
    config = dict(CONFIG)
    with clone.open() as load, redirect_stdout(io.StringIO()):
        without_download(load("model.resnet"))
        network = load("model.network").XMem(config)  # it writes its numbers of channels into the configuration
        core = load("inference.inference_core").InferenceCore
    return XMemSegmenter(network, core, config, size=size or SIZE, source=clone.commit)
