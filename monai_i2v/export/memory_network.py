# SPDX-License-Identifier: Apache-2.0
"""The memory network as three files, one per stage: what is between them is left to who runs them.

Axes: `B` videos, `K` objects, `H W` pixels, `D` key, `V` value, `F` feature channels, `h w` = H / 16, W / 16,
`M` memory cells.
"""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.export import Dim

from monai_i2v.errors import UsageError
from monai_i2v.export.program import save_program
from monai_i2v.files.complete_file import complete_file
from monai_i2v.memory import ConfidentPolicy, MemoryPolicy, embed_keys, read_memory
from monai_i2v.networks import GatedMemoryNet, TemporalContrastiveMemoryNet, soft_aggregate
from monai_i2v.networks.gated_memory_net import nearest_distance, weigh

__all__ = ["POLICIES", "SETTINGS", "export_memory_net"]

SETTINGS = "memory.json"
# Policies that a file may name; a policy of one's own is handed to `OnnxSegmenter`.
POLICIES: dict[str, type[MemoryPolicy]] = {policy.__name__: policy for policy in (MemoryPolicy, ConfidentPolicy)}
FEATURES = ("features4", "features8", "features16", "key")
INPUTS = {
    "encode_frame": ("frame",),
    "encode_value": ("features16", "masks"),
    "decode": (*FEATURES, "keys", "values", "present"),
}
DRAWN = ("drawn_keys", "drawn_values")
"""Further inputs of ``decode`` where a gate weighs what was drawn."""
OUTPUTS = {"encode_frame": FEATURES, "encode_value": ("value",), "decode": ("prob",)}


class _EncodeFrame(nn.Module):
    def __init__(self, net: TemporalContrastiveMemoryNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, frame: Tensor) -> tuple[Tensor, ...]:
        features = self.net.encoder(frame)
        return features[4], features[8], features[16], self.net.encode_key(features)


class _EncodeValue(nn.Module):
    def __init__(self, net: TemporalContrastiveMemoryNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, features16: Tensor, masks: Tensor) -> Tensor:
        return self.net.encode_value({16: features16}, masks)


class _Decode(nn.Module):
    def __init__(self, net: TemporalContrastiveMemoryNet) -> None:
        super().__init__()
        self.net = net

    def forward(
        self,
        features4: Tensor,
        features8: Tensor,
        features16: Tensor,
        key: Tensor,
        keys: Tensor,
        values: Tensor,
        present: Tensor,
    ) -> Tensor:
        readout = self.read(key, keys, values)
        return self.to_masks(readout, {4: features4, 8: features8, 16: features16}, present)

    def read(self, key: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        query = key.flatten(2).transpose(1, 2)
        readout = read_memory(query, keys, values, top_k=self.net.policy.top_k)  # (B, K, Q, V)
        return readout.transpose(2, 3).unflatten(3, key.shape[-2:])  # (B, K, V, h, w)

    def to_masks(self, readout: Tensor, features: dict[int, Tensor], present: Tensor) -> Tensor:
        logits = self.net.decoder(readout, features)
        return soft_aggregate(logits[:, 1:] - logits[:, :1] if self.net.background else logits, present)


class _DecodeGated(_Decode):
    net: GatedMemoryNet

    def forward(  # type: ignore[override]  # noqa: PLR0913
        self,
        features4: Tensor,
        features8: Tensor,
        features16: Tensor,
        key: Tensor,
        keys: Tensor,
        values: Tensor,
        present: Tensor,
        drawn_keys: Tensor,
        drawn_values: Tensor,
    ) -> Tensor:
        joint, drawn = self.read(key, keys, values), self.read(key, drawn_keys, drawn_values)
        distance = nearest_distance(key.flatten(2).transpose(1, 2), embed_keys(drawn_keys))
        trust = self.net.trust(distance.unflatten(1, key.shape[-2:]))
        return self.to_masks(weigh(joint, drawn, trust), {4: features4, 8: features8, 16: features16}, present)


def export_memory_net(
    net: TemporalContrastiveMemoryNet, folder: str | Path, *, form: Literal["onnx", "pt2"] = "onnx"
) -> None:
    """Write the stages of the memory network, for any number of videos, objects and memory cells, and any size.

    =================  ==============================================================================================
    ``encode_frame``   ``frame`` (B, 3, H, W) in [0, 1] to ``features4``, ``features8``, ``features16`` (B, F, H / n,
                       W / n) and ``key`` (B, D, h, w). H and W are multiples of 16: pad frames, and crop masks
    ``encode_value``   ``features16`` and ``masks`` (B, K, H, W) in [0, 1] to ``value`` (B, K, V, h, w)
    ``decode``         a frame's features and ``key``; the memory, ``keys`` (B, M, D) and ``values`` (B, K, M, V), the
                       cells of remembered frames one after the other; and ``present`` (B, 1 + K, 1, 1), whether
                       there is background, and each object (`occurring_classes`); to ``prob`` (B, K, H, W). With a
                       `DistanceGate` also ``drawn_keys`` and ``drawn_values``, the cells of the drawn frames alone
    =================  ==============================================================================================

    ``memory.json`` holds the network's `MemoryPolicy`: when to remember a frame. `OnnxSegmenter` runs all this.

    Args:
        net: the network. `MemoryPolicy.top_k` becomes part of ``decode``.
        folder: folder of the files; it is made.
        form: ``"onnx"``, or ``"pt2"`` for PyTorch, where a network with ``background`` needs
            ``module(check_guards=False)`` for a single object.

    Raises:
        UsageError: When `form` is neither, the network reads a share of its memory cells, a package is missing, or a
            file cannot be written.

    Example::

        >>> from monai_i2v.export import export_memory_net
        >>> from monai_i2v.memory import MemoryPolicy
        >>> from monai_i2v.networks import TemporalContrastiveMemoryNet
        >>> export_memory_net(TemporalContrastiveMemoryNet(policy=MemoryPolicy(top_fraction=0.2)), "folder")
        Traceback (most recent call last):
        ...
        monai_i2v.errors.UsageError: the network reads a share of its memory cells (top_fraction is 0.2), ...
    """
    if net.policy.top_fraction is not None:
        raise UsageError(
            f"the network reads a share of its memory cells (top_fraction is {net.policy.top_fraction}), which cannot "
            "be exported; expected a number of cells, or None; use top_k 30."
        )
    net = copy.deepcopy(net).cpu().eval()
    examples, dynamic = _examples(net), _free_sizes(net)
    gated = isinstance(net, GatedMemoryNet) and net.gate is not None
    decode = _DecodeGated(net) if gated else _Decode(net)
    stages = {"encode_frame": _EncodeFrame(net), "encode_value": _EncodeValue(net), "decode": decode}
    for stage, module in stages.items():
        inputs = (*INPUTS[stage], *DRAWN) if gated and stage == "decode" else INPUTS[stage]
        save_program(
            module,
            {name: examples[name] for name in inputs},
            OUTPUTS[stage],
            Path(folder) / f"{stage}.{form}",
            dynamic={name: dynamic[name] for name in inputs},
        )
    with complete_file(Path(folder) / SETTINGS) as partial:
        partial.write_text(json.dumps({"policy": type(net.policy).__name__, **asdict(net.policy)}, indent=2))


@torch.no_grad()
def _examples(net: TemporalContrastiveMemoryNet) -> dict[str, Tensor]:
    """An input of every name: two videos, two objects, 2 x 3 cells."""
    frame, masks = torch.rand(2, 3, 32, 48), torch.rand(2, 2, 32, 48)
    features = dict(zip(FEATURES, _EncodeFrame(net)(frame), strict=True))
    value = net.encode_value({16: features["features16"]}, masks)
    rows = {"keys": features["key"].flatten(2).transpose(1, 2), "values": value.flatten(3).transpose(2, 3)}
    rows |= {f"drawn_{name}": value for name, value in rows.items()}
    return {"frame": frame, "masks": masks, **features, **rows, "present": torch.ones(2, 3, 1, 1, dtype=torch.bool)}


def _free_sizes(net: TemporalContrastiveMemoryNet) -> dict[str, dict[int, Any]]:
    """The axes of every input whose size is free."""
    videos, objects, cells, rows, columns = (Dim(name, min=1) for name in ("videos", "objects", "cells", "h", "w"))
    drawn = Dim("drawn", min=1)
    pixels, *features = ({0: videos, 2: 16 // n * rows, 3: 16 // n * columns} for n in (1, 4, 8, 16, 16))
    channels = objects + 1 if net.background else objects
    return {
        "frame": pixels,
        "masks": {**pixels, 1: objects},
        **dict(zip(FEATURES, features, strict=True)),
        "keys": {0: videos, 1: cells},
        "values": {0: videos, 1: channels, 2: cells},
        "drawn_keys": {0: videos, 1: drawn},
        "drawn_values": {0: videos, 1: channels, 2: drawn},
        "present": {0: videos, 1: objects + 1},
    }
