# SPDX-License-Identifier: Apache-2.0
"""The memory network without PyTorch's networks: ONNX Runtime computes, this loop remembers.

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.export.memory_network import DRAWN, POLICIES, SETTINGS
from monai_i2v.memory import MemoryPolicy
from monai_i2v.networks import TemporalMemoryState, occurring_classes
from monai_i2v.networks.matching_net import on_grid
from monai_i2v.networks.reference_crops import reference_crops
from monai_i2v.propagation import VideoSegmenter

__all__ = ["OnnxSegmenter"]


class OnnxSegmenter(VideoSegmenter[TemporalMemoryState]):
    """A `VideoSegmenter` that runs what `export_memory_net` wrote; `PropagationInferer` takes it as it is.

    Args:
        folder: the folder that was written.
        providers: ONNX Runtime's names of where to compute, the preferred one first.
        policy: what is remembered, in place of what the network's own policy was.

    Raises:
        UsageError: When ONNX Runtime is missing, or a file cannot be read.

    Example::

        >>> from monai_i2v.export import OnnxSegmenter
        >>> from monai_i2v.inferers import PropagationInferer
        >>> def segment(folder, video, masks):  # masks (K, H, W) of the first frame
        ...     return [result.prob for result in PropagationInferer(256).stream(video, OnnxSegmenter(folder), masks)]
        >>> segment("missing", [], None)
        Traceback (most recent call last):
        ...
        monai_i2v.errors.UsageError: missing/encode_frame.onnx does not exist; expected a file that ...
    """

    def __init__(
        self,
        folder: str | Path,
        providers: Sequence[str] = ("CPUExecutionProvider",),
        *,
        policy: MemoryPolicy | None = None,
    ) -> None:
        self.encode_frame, self.encode_value, self.decode = (
            _Stage(Path(folder) / f"{name}.onnx", providers) for name in ("encode_frame", "encode_value", "decode")
        )
        self.policy = policy or _read_policy(Path(folder) / SETTINGS)

    def start(self, frame: Tensor, masks: Tensor) -> TemporalMemoryState:
        """See `VideoSegmenter.start`."""
        state = TemporalMemoryState(
            bank=self.policy.new_bank("product"),
            policy=self.policy,
            size=masks.shape[-2:],
            present=occurring_classes(masks),
        )
        for view, view_masks in ((frame, masks), *reference_crops(frame, masks, self.policy.reference_crops)):
            *features, key = self.encode_frame(on_grid(view, "replicate"))
            state.bank.keep(key, *self.encode_value(features[-1], on_grid(view_masks)))
        return state

    def step(self, frame: Tensor, state: TemporalMemoryState) -> tuple[Tensor, TemporalMemoryState]:
        """See `VideoSegmenter.step`.

        Raises:
            ValueError: When the frame's size is not the reference's.
        """
        state.check_size(frame)
        *features, key = self.encode_frame(on_grid(frame, "replicate"))
        keys, values = state.bank.keys, state.bank.values.flatten(2, 3)
        cells = state.bank.drawn_cells
        drawn = (keys[:, :cells], values[:, :, :cells]) if DRAWN[0] in self.decode.names else ()
        (prob,) = self.decode(*features, key, keys, values, state.present, *drawn)
        prob = prob[..., : state.size[0], : state.size[1]]
        state.frames += 1
        state.remembered = state.decide(key, prob)
        if state.remembered:
            state.bank.write(key, *self.encode_value(features[-1], on_grid(prob)))
        return prob, state


def _read_policy(path: Path) -> MemoryPolicy:
    try:
        facts = json.loads(path.read_text())
        return POLICIES[facts.pop("policy")](**facts)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{path} cannot be read ({error}); export the network again.") from error


class _Stage:
    """One file."""

    def __init__(self, path: Path, providers: Sequence[str]) -> None:
        if not find_spec("onnxruntime"):
            raise UsageError("ONNX files need the package onnxruntime, which is missing; install monai_i2v[export].")
        import onnxruntime

        if not path.is_file():
            raise UsageError(f"{path} does not exist; expected a file that export_memory_net wrote; check the folder.")
        try:
            self.session = onnxruntime.InferenceSession(path, providers=list(providers))
        except Exception as error:  # ONNX Runtime raises many kinds
            raise UsageError(f"{path} cannot be read ({error}); export the network again.") from error
        self.names = [item.name for item in self.session.get_inputs()]

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        given: dict[str, Any] = {name: x.cpu().numpy() for name, x in zip(self.names, inputs, strict=True)}
        return [torch.from_numpy(output) for output in self.session.run(None, given)]
