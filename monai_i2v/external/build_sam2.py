# SPDX-License-Identifier: Apache-2.0
"""The networks of SAM 2.1 and MedSAM2, from the package ``sam2`` or a clone of facebookresearch/sam2."""

from __future__ import annotations

import importlib
from contextlib import nullcontext
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from torch import nn

from monai_i2v.errors import UsageError
from monai_i2v.external.clone import Clone, importing
from monai_i2v.external.sam2 import Sam2Segmenter

__all__ = ["SAM2_CONFIGS", "build_sam2"]

# Name: configuration in the package, and side at which the weights were trained, px. MedSAM2 is SAM 2.1 tiny at 512.
SAM2_CONFIGS = {
    "sam2.1_tiny": ("sam2.1_hiera_t.yaml", 1024),
    "sam2.1_small": ("sam2.1_hiera_s.yaml", 1024),
    "sam2.1_base_plus": ("sam2.1_hiera_b+.yaml", 1024),
    "sam2.1_large": ("sam2.1_hiera_l.yaml", 1024),
    "medsam2": ("sam2.1_hiera_t.yaml", 512),
}
STRIDE = 32  # px, of the coarsest features
# What the released predictor sets beside its configuration (its filling of holes needs a CUDA kernel, and is left out).
RELEASED: dict[str, Any] = {
    "sam_mask_decoder_extra_args": {
        "dynamic_multimask_via_stability": True,
        "dynamic_multimask_stability_delta": 0.05,
        "dynamic_multimask_stability_thresh": 0.98,
    },
    "binarize_mask_from_pts_for_mem_enc": True,
}


def build_sam2(name: str, repository: str | Path | None = None, size: int | None = None) -> Sam2Segmenter:
    """SAM 2.1 or MedSAM2 with random weights.

    Args:
        name: one of `SAM2_CONFIGS`.
        repository: a clone of facebookresearch/sam2; None for the installed package.
        size: side of what the network sees, px, a multiple of 32; None for that of its training.

    Raises:
        UsageError: When a package is missing, or the size or the clone is none.
    """
    file, trained = SAM2_CONFIGS[name]
    size = size or trained
    if size % STRIDE:
        raise UsageError(f"size is {size}, expected a multiple of {STRIDE} for {name}; use {trained}.")
    if repository is None:
        with importing("SAM 2"), nullcontext(importlib.import_module) as load:
            predictor = _predictor(load, file, size)
        try:
            return Sam2Segmenter(predictor, source=f"sam2 {version('sam2')}")
        except PackageNotFoundError:
            return Sam2Segmenter(predictor)
    clone = Clone(repository, "facebookresearch/sam2", ["sam2/sam2_video_predictor.py", f"sam2/configs/sam2.1/{file}"])
    with clone.open() as load:
        return Sam2Segmenter(_predictor(load, file, size), source=clone.commit)


def _predictor(load: Any, file: str, size: int) -> nn.Module:
    package = load("sam2")
    omegaconf, hydra = load("omegaconf"), load("hydra.utils")
    module, misc = load("sam2.sam2_video_predictor"), load("sam2.utils.misc")
    for shows_bars in (module, misc):  # one bar per frame
        shows_bars.tqdm = partial(importlib.import_module("tqdm").tqdm, disable=True)
    path = Path(package.__file__).parent / "configs" / "sam2.1" / file
    if not path.is_file():
        raise UsageError(
            f"the package sam2 in {path.parents[2]} has no configs/sam2.1/{file}, expected that of "
            "facebookresearch/sam2; install it in an environment without other packages of this name."
        )
    grid = [size // 16, size // 16]
    attention = {kind: {"feat_sizes": grid} for kind in ("self_attention", "cross_attention")}
    ours = {"image_size": size, "memory_attention": {"layer": attention}, **RELEASED}
    config = omegaconf.OmegaConf.merge(omegaconf.OmegaConf.load(path).model, ours)
    config["_target_"] = "sam2.sam2_video_predictor.SAM2VideoPredictor"
    predictor: nn.Module = hydra.instantiate(config, _recursive_=True)
    return predictor
