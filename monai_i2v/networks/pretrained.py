# SPDX-License-Identifier: Apache-2.0
"""ImageNet weights for the encoders: a file of yours, or the official one by name."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from monai_i2v.errors import UsageError

__all__ = ["OfficialFile", "load_pretrained"]


class OfficialFile(NamedTuple):
    """Where the weights of torchvision's classification network lie; the name ends in the start of its SHA-256."""

    url: str

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[-1]


def load_pretrained(encoder: nn.Module, weights: str | Path, official: OfficialFile, unused: tuple[str, ...]) -> None:
    """Load classification weights with torchvision's key names into an encoder.

    Args:
        encoder: an encoder with torchvision's key names.
        weights: path of a ``.pth`` state dict or of a ``.npz`` archive with one array per key, or ``"imagenet"``: the
            official file, downloaded once with its SHA-256 checked.
        official: the official file of this architecture.
        unused: prefixes of keys that a classification network has beyond the encoder.

    Raises:
        UsageError: When the file is missing, is not such a state dict, or cannot be downloaded.
    """
    state = _download(official) if str(weights) == "imagenet" else _read(Path(weights))
    state = {key: value for key, value in state.items() if not key.startswith(unused)}
    try:
        encoder.load_state_dict(state)
    except RuntimeError as error:
        raise UsageError(
            f"{weights} does not hold the weights of a {type(encoder).__name__}; give the file of the same "
            f"architecture with torchvision's key names (such as {official.name})."
        ) from error


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return {key: torch.from_numpy(arrays[key]).float() for key in arrays.files}
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        return state
    except Exception as error:  # the unpickler and zip readers raise many kinds
        raise UsageError(
            f"the weights {path} cannot be read ({type(error).__name__}); give an existing .pth or .npz file."
        ) from error


def _download(official: OfficialFile) -> dict[str, Tensor]:
    try:
        state: dict[str, Tensor] = torch.hub.load_state_dict_from_url(
            official.url, map_location="cpu", check_hash=True, weights_only=True
        )
        return state
    except OSError as error:
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise UsageError(
            f"the ImageNet weights could not be downloaded from {official.url}; download the file elsewhere and put it "
            f"into {folder} as {official.name}, or give its path as weights."
        ) from error
