# SPDX-License-Identifier: Apache-2.0
"""Frames of an interlaced camera, whose two fields show two moments.

Axes: `C` image channels, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

import torch
from monai.config import KeysCollection
from monai.transforms import Transform
from monai.utils import convert_to_tensor
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.transforms.dictionary_form import DictionaryForm
from monai_i2v.transforms.keep_meta import with_meta_of

__all__ = ["FIELDS", "Deinterlace", "Deinterlaced", "DeinterlaceD", "DeinterlaceDict"]

FIELDS = ("top", "bottom")  # that with the first row, and that with the second


class Deinterlace(Transform):
    """Keep the rows of one field, and replace each row of the other by the mean of those above and below.

    Combs at moving edges go away; still parts lose half of their detail from row to row. It belongs before whatever
    changes the size. Size, number of frames, affine and type stay.

    Args:
        field: ``"top"`` (rows 0, 2, 4 ...) or ``"bottom"``.

    Raises:
        UsageError: When there is no such field, or a picture has less than two rows.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import Deinterlace
        >>> Deinterlace()(torch.tensor([[[0, 9, 2, 9, 4, 9]]])).tolist()
        [[[0, 1, 2, 3, 4, 4]]]
    """

    def __init__(self, field: str = "top") -> None:
        if field not in FIELDS:
            raise UsageError(f"field must be one of {', '.join(FIELDS)}, got {field!r}; choose one of these.")
        self.first = FIELDS.index(field)

    def __call__(self, clip: Tensor) -> Tensor:
        """Interpolate a clip (C, X, Y, T) or a still (C, X, Y)."""
        plain = convert_to_tensor(clip, track_meta=False)
        if plain.ndim not in (3, 4) or plain.shape[2] < 2:
            raise UsageError(
                f"clip must be (C, X, Y, T) or (C, X, Y) with 2 rows or more, got {tuple(clip.shape)}; leave it out."
            )
        kept, result = plain[:, :, self.first :: 2], plain.clone()
        replaced = result[:, :, 1 - self.first :: 2]
        above = torch.arange(replaced.shape[2], device=plain.device) - self.first
        neighbors = (kept[:, :, row.clamp(0, kept.shape[2] - 1)].float() for row in (above, above + 1))
        between = sum(neighbors) / 2
        replaced.copy_(between if plain.dtype.is_floating_point else between.round())
        return with_meta_of(clip, result)


class Deinterlaced(DictionaryForm):
    """Dictionary form of `Deinterlace`.

    Args:
        keys: images; label maps were drawn on the whole frame and stay as they are.
        field: as in `Deinterlace`.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import Deinterlaced
        >>> Deinterlaced("image", field="bottom")({"image": torch.tensor([[[9.0, 1.0, 9.0, 3.0]]])})["image"].tolist()
        [[[1.0, 1.0, 2.0, 3.0]]]
    """

    def __init__(self, keys: KeysCollection, field: str = "top", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, Deinterlace(field), allow_missing_keys)


DeinterlaceD = DeinterlaceDict = Deinterlaced
