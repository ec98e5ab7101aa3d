# SPDX-License-Identifier: Apache-2.0
"""Any folder of images with a folder of masks: ECSSD, DUTS, one's own."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.glob_names import glob_expression
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["PAIRED_FOLDER", "paired_folder"]


def paired_folder(images: str = "images/*.*", masks: str = "masks/*.*", *, binary: bool = False) -> Collection:
    """Images and masks that share what stars stand for.

    Args:
        images: glob for the images, ``"DUTS-TR-Image/*.jpg"``; the path of an image ends so.
        masks: glob for their masks.
        binary: masks are foreground and background, in whatever gray; else they hold label values.

    Example::

        >>> from monai_i2v.data.collections.paired_folder import paired_folder
        >>> paired_folder("DUTS-TR-Image/*.jpg", "DUTS-TR-Mask/*.png", binary=True).layout
        'DUTS-TR-Image/*.jpg with DUTS-TR-Mask/*.png'
    """
    return Collection(
        name="paired_folder",
        title="any images with masks of the same names",
        modality="any",
        kind="stills",
        classes={1: "object"} if binary else {},
        source="one's own",
        terms="one's own",
        published={},
        layout=f"{images} with {masks}",
        find=NamedFiles(media=(_expression(images),), masks=(_expression(masks),)),
    )


def _expression(glob: str) -> str:
    """A last star that stands for any suffix is no part of the name."""
    return glob_expression(glob, unnamed=int(glob.endswith(".*")))


PAIRED_FOLDER = paired_folder()
