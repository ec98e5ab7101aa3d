# SPDX-License-Identifier: Apache-2.0
"""STCN (Cheng et al., NeurIPS 2021) with weights of yours, from a clone of hkchengrex/STCN.

Axes: `N` objects that the reference shows, `H W` pixels of the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from torch import Tensor, nn

from monai_i2v.external.clone import Clone, without_download
from monai_i2v.external.external_segmenter import ExternalSegmenter, imagenet_normalized

__all__ = ["StcnEngine", "StcnSegmenter", "StcnTools", "build_stcn"]

SIZE = 480  # px, as released
STRIDE = 16
TOP = 20  # places that a place reads
MEM_EVERY = 5  # frames


@dataclass(frozen=True)
class StcnTools:
    """What the clone has beside the network."""

    bank: Any  # class MemoryBank
    aggregate: Any
    pad: Any
    unpad: Any


@dataclass
class StcnEngine:
    """A video's memory."""

    bank: Any
    frames: int = 1


class StcnSegmenter(ExternalSegmenter[StcnEngine]):
    """STCN frame by frame (its own loop holds the whole video on a GPU). Its memory grows with the video.

    Args:
        network: an ``STCN`` of ``model.eval_network``.
        tools: what the clone has beside it.
        size: short side of the frames, px.
        source: see `ExternalSegmenter`.
    """

    def __init__(self, network: nn.Module, tools: StcnTools, *, size: int = SIZE, source: str = "unknown") -> None:
        super().__init__(network, size=size, frame_size=size, source=source)
        self.tools = tools

    def begin(self, frame: Tensor, masks: Tensor) -> StcnEngine:
        net: Any = self.network
        frame, _ = self._padded(frame)
        masks, _ = self.tools.pad(masks.unsqueeze(1), STRIDE)  # (N, 1, H, W)
        prob = self.tools.aggregate(masks, keep_bg=True)[1:]
        key, _, features16, _, _ = net.encode_key(frame)
        bank = self.tools.bank(k=len(masks), top_k=TOP)
        bank.add_memory(key.unsqueeze(2), net.encode_value(frame, features16, prob))
        return StcnEngine(bank)

    def look(self, frame: Tensor, engine: StcnEngine) -> Tensor:
        net: Any = self.network
        frame, pad = self._padded(frame)
        key, thin, features16, features8, features4 = net.encode_key(frame)
        found = net.segment_with_query(engine.bank, features8, features4, key, thin)  # (N, 1, H, W)
        prob: Tensor = self.tools.aggregate(found, keep_bg=True)[1:]
        if engine.frames % MEM_EVERY == 0:
            engine.bank.add_memory(key.unsqueeze(2), net.encode_value(frame, features16, prob))
        engine.frames += 1
        result: Tensor = self.tools.unpad(prob, pad)[:, 0]
        return result

    def _padded(self, frame: Tensor) -> tuple[Tensor, Any]:
        padded: tuple[Tensor, Any] = self.tools.pad(imagenet_normalized(frame).unsqueeze(0), STRIDE)
        return padded


def build_stcn(name: str, repository: str | Path | None, size: int | None = None) -> StcnSegmenter:
    """STCN with random weights.

    Args:
        name: ``"stcn"``.
        repository: a clone.
        size: short side of the frames, px; None for 480.

    Raises:
        UsageError: When it is no clone, or a package is missing (torchvision, with which it builds its encoder).
    """
    clone = Clone(repository, "hkchengrex/STCN", ["model/eval_network.py", "inference_memory_bank.py"])
    with clone.open() as load:
        modules = load("model.modules")
        without_download(load("model.mod_resnet"))
        resnet50 = load("torchvision.models").resnet50
        modules.models = SimpleNamespace(resnet50=lambda pretrained: resnet50(weights=None))  # type: ignore[attr-defined]
        network = load("model.eval_network").STCN()
        bank, aggregate = load("inference_memory_bank").MemoryBank, load("model.aggregate").aggregate
        tensors = load("util.tensor_util")
    tools = StcnTools(bank, aggregate, tensors.pad_divide_by, tensors.unpad)
    return StcnSegmenter(network, tools, size=size or SIZE, source=clone.commit)
