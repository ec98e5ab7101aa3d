# SPDX-License-Identifier: Apache-2.0
"""A system of others by its name, with the user's own weights; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from monai_i2v.data.checkpoint import check_finite, read_checkpoint
from monai_i2v.errors import UsageError
from monai_i2v.external.aot import AOT_MODELS, build_aot
from monai_i2v.external.build_sam2 import SAM2_CONFIGS, build_sam2
from monai_i2v.external.cutie import CUTIE_CONFIGS, build_cutie
from monai_i2v.external.external_segmenter import ExternalSegmenter
from monai_i2v.external.stcn import build_stcn
from monai_i2v.external.xmem import build_xmem
from monai_i2v.files.user_path import user_path
from monai_i2v.options import read_choice, read_whole_number

__all__ = ["EXTERNAL", "build_external", "load_external"]

EXTERNAL: Mapping[str, Callable[..., ExternalSegmenter[Any]]] = {
    **dict.fromkeys(SAM2_CONFIGS, build_sam2),
    **dict.fromkeys(CUTIE_CONFIGS, build_cutie),
    "xmem": build_xmem,
    "stcn": build_stcn,
    **dict.fromkeys(AOT_MODELS, build_aot),
}
"""What builds each system, by name."""

MIN_SIZE, MAX_SIZE = 64, 2048  # px
WRAPPERS = ("model", "state_dict", "network")  # keys under which checkpoints keep the weights
PARALLEL = "module."  # what training on several GPUs puts before each name


def load_external(
    name: str, repository: str | Path | None, checkpoint: str | Path | None, size: int | None = None
) -> ExternalSegmenter[Any]:
    """A system of others with weights of yours, ready to segment.

    Args:
        name: one of `EXTERNAL`.
        repository: a clone of its code; SAM 2 and MedSAM2 do without one where the package ``sam2`` is installed.
        checkpoint: its weights, as published.
        size: side of what the network sees, px: of the square of SAM 2, else the short side of the frames. None for
            that of its release.

    Raises:
        UsageError: When there is no such system, its code or a package is missing, or the weights are not its own.

    Example::

        >>> from monai_i2v.external import load_external
        >>> load_external("xmem", "/nowhere", "XMem.pth")
        Traceback (most recent call last):
            ...
        monai_i2v.errors.UsageError: /nowhere has no model/network.py, expected a clone of hkchengrex/XMem; run git ...
    """
    system = build_external(name, repository, size)
    if checkpoint is None:
        raise UsageError(
            f"checkpoint is None, expected the weights of {name}; none are shipped: download them from the authors, "
            "and give the file as checkpoint."
        )
    _fill(system.network, user_path(checkpoint), name)
    return system


def build_external(name: str, repository: str | Path | None, size: int | None = None) -> ExternalSegmenter[Any]:
    """The same with random weights: for measuring speed, and for tests.

    Raises:
        UsageError: As `load_external`.
    """
    read_choice("method", name, EXTERNAL, use="sam2.1_tiny")
    read_whole_number("size", size, MIN_SIZE, MAX_SIZE, use=None, none="for that of the release")
    return EXTERNAL[name](name, repository, size)


def _fill(network: nn.Module, path: Path, name: str) -> None:
    """Load weights, of which all must fit, and none may be missing."""
    given, own = _weights(read_checkpoint(path)), network.state_dict()
    faults = {
        "missing": [key for key in own if key not in given],
        "unknown": [key for key in given if key not in own],
        "of another shape": [key for key in own if key in given and own[key].shape != given[key].shape],
    }
    found = [f"{len(keys)} are {kind} (such as {keys[0]})" for kind, keys in faults.items() if keys]
    if found:
        raise UsageError(
            f"the checkpoint {path} is not of {name}: of its {len(own)} weights {', '.join(found)}; give the file "
            "that the authors publish for this name, or the name that belongs to the file."
        )
    network.load_state_dict(given)
    check_finite(network, path)


def _weights(content: Any) -> dict[str, Tensor]:
    """The state dict in a checkpoint; empty where there is none."""
    wrapped = [content[key] for key in WRAPPERS if isinstance(content, dict) and isinstance(content.get(key), dict)]
    state = wrapped[0] if wrapped else content
    if not isinstance(state, dict):
        return {}
    return {key.removeprefix(PARALLEL): value for key, value in state.items() if isinstance(value, Tensor)}
