# SPDX-License-Identifier: Apache-2.0
"""Metadata that follow the data when a transform changes the axes."""

from __future__ import annotations

from copy import deepcopy

import torch
from monai.data import MetaTensor, get_track_meta
from monai.data.utils import affine_to_spacing
from monai.utils import MetaKeys
from torch import Tensor

__all__ = ["affine_of", "with_affine", "with_meta_of"]


def with_meta_of(source: Tensor, data: Tensor) -> Tensor:
    """New data with the affine, the metadata and the applied operations of `source`.

    MONAI's own `copy_meta_from` also copies the number of spatial axes, which is wrong after a fold.

    Args:
        source: where the metadata come from; a plain tensor has none.
        data: plain tensor of any shape.

    Returns:
        A `MetaTensor` that shares no container with `source`, or `data` where MONAI's tracking is off.

    Example::

        >>> import torch
        >>> from monai.data import MetaTensor
        >>> from monai_i2v.transforms.keep_meta import with_meta_of
        >>> with_meta_of(MetaTensor(torch.zeros(1, 2, 2), meta={"fps": 30}), torch.ones(4)).meta["fps"]
        30
    """
    if not get_track_meta():
        return data
    if not isinstance(source, MetaTensor):
        return MetaTensor(data)
    meta, operations = deepcopy((source.meta, source.applied_operations))  # MONAI changes both in place
    return MetaTensor(data, meta=meta, applied_operations=operations)


def affine_of(data: Tensor) -> Tensor:
    """A copy of the affine of data (C, ...); the identity for a plain tensor."""
    return data.affine.clone() if isinstance(data, MetaTensor) else torch.eye(data.ndim, dtype=torch.float64)


def with_affine(data: Tensor, affine: Tensor) -> Tensor:
    """The data, now with this affine and the spacing that follows from it; plain tensors stay as they are.

    Example::

        >>> import torch
        >>> from monai.data import MetaTensor
        >>> from monai_i2v.transforms.keep_meta import with_affine
        >>> with_affine(MetaTensor(torch.zeros(1, 2, 2)), torch.diag(torch.tensor([0.5, 0.5, 1]))).pixdim.tolist()
        [0.5, 0.5]
    """
    if isinstance(data, MetaTensor):
        data.affine = affine
        if MetaKeys.PIXDIM in data.meta:
            spacing = affine_to_spacing(data.affine)
            data.meta[MetaKeys.PIXDIM][1 : 1 + len(spacing)] = spacing
    return data
