# SPDX-License-Identifier: Apache-2.0
"""AOT (Yang et al., NeurIPS 2021) and DeAOT (NeurIPS 2022) with weights of yours, from yoxu515/aot-benchmark.

Axes: `N` objects that the reference shows, `H W` pixels of the frame, `h w` those that the network sees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.external.clone import Clone
from monai_i2v.external.external_segmenter import ExternalSegmenter, hard_masks, imagenet_normalized

__all__ = ["AOT_MODELS", "AotEngine", "AotSegmenter", "build_aot"]

AOT_MODELS = (
    *("aott", "aots", "aotb", "aotl", "r50_aotl", "swinb_aotl"),
    *("deaott", "deaots", "deaotb", "deaotl", "r50_deaotl", "swinb_deaotl"),
)
SIZE = 480  # px, as released
STRIDE = 16


@dataclass
class AotEngine:
    """A video in the system."""

    engine: Any
    objects: int  # N


class AotSegmenter(ExternalSegmenter[AotEngine]):
    """AOT's or DeAOT's engine, one per video. Masks become labels. The memory of the models L grows with the video.

    Args:
        network: what ``build_vos_model`` gives.
        engine: makes the engine of a network.
        size: short side of the frames, px.
        source: see `ExternalSegmenter`.
    """

    def __init__(
        self, network: nn.Module, engine: Callable[..., Any], *, size: int = SIZE, source: str = "unknown"
    ) -> None:
        super().__init__(network, size=size, frame_size=size, source=source)
        self.engine = engine
        self.extra = int(network.cfg.MODEL_ALIGN_CORNERS)  # type: ignore[union-attr, arg-type]

    def begin(self, frame: Tensor, masks: Tensor) -> AotEngine:
        engine = self.engine(aot_model=self.network)
        engine.eval()
        best, objects = (masks * hard_masks(masks)).max(dim=0)
        labels = ((objects + 1) * (best > 0))[None, None].float()
        seen = self._see(frame)
        labels = F.interpolate(labels, seen.shape[-2:], mode="nearest")
        engine.add_reference_frame(seen, labels, obj_nums=[len(masks)], frame_step=0)
        return AotEngine(engine, len(masks))

    def look(self, frame: Tensor, engine: AotEngine) -> Tensor:
        seen = self._see(frame)
        engine.engine.match_propogate_one_frame(seen)
        prob = torch.softmax(engine.engine.decode_current_logits(tuple(frame.shape[-2:])), dim=1)  # (1, 11, H, W)
        labels = prob.argmax(dim=1, keepdim=True).float()
        engine.engine.update_memory(F.interpolate(labels, seen.shape[-2:], mode="nearest"))
        return prob[0, 1 : 1 + engine.objects]

    def _see(self, frame: Tensor) -> Tensor:
        """A frame (3, H, W) as (1, 3, h, w): sides are multiples of 16, and one more where corners are aligned."""
        size = [max(round((side - self.extra) / STRIDE), 1) * STRIDE + self.extra for side in frame.shape[-2:]]
        if list(frame.shape[-2:]) != size:
            frame = F.interpolate(frame[None], size, mode="bicubic", align_corners=False)[0].clamp(0, 1)
        return imagenet_normalized(frame).unsqueeze(0)


def build_aot(name: str, repository: str | Path | None, size: int | None = None) -> AotSegmenter:
    """AOT or DeAOT with random weights.

    Args:
        name: one of `AOT_MODELS`.
        repository: a clone.
        size: short side of the frames, px; None for 480.

    Raises:
        UsageError: When it is no clone, or a package is missing.
    """
    files = ["configs/default.py", f"configs/models/{name}.py", "networks/models/__init__.py"]
    clone = Clone(repository, "yoxu515/aot-benchmark", files)
    with clone.open() as load:
        config = load("configs.default").DefaultEngineConfig("default", name)
        network = load("networks.models").build_vos_model(config.MODEL_VOS, config)
        _mend_attention(network, load("networks.layers.attention"))
        build = load("networks.engines").build_engine
    gaps = {"long_term_mem_gap": config.TEST_LONG_TERM_MEM_GAP, "short_term_mem_skip": config.TEST_SHORT_TERM_MEM_SKIP}
    engine = partial(build, config.MODEL_ENGINE, phase="eval", gpu_id=None, **gaps)
    return AotSegmenter(network, engine, size=size or SIZE, source=clone.commit)


def _mend_attention(network: Any, attention: Any) -> None:
    """Take AOT's attention in plain PyTorch: what it falls back to without a compiled package fails on shapes."""
    for layer in network.LSTT.layers:
        old = layer.short_term_attn
        if isinstance(old, attention.MultiheadLocalAttentionV3):
            width, settings = old.projection.in_features, {"dilation": old.dilation, "use_linear": False}
            new = attention.MultiheadLocalAttentionV2(width, old.num_head, enable_corr=False, **settings)
            new.load_state_dict(old.state_dict())
            layer.short_term_attn = new
