# SPDX-License-Identifier: Apache-2.0
"""Metadata that follow the data when a transform changes the number of axes."""

from __future__ import annotations

from copy import deepcopy

from monai.data import MetaTensor, get_track_meta
from torch import Tensor

__all__ = ["with_meta_of"]


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
