# SPDX-License-Identifier: Apache-2.0
"""Any folder of clips with masks: DAVIS, phantoms, one's own."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.glob_names import glob_expression
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["CLIP_FOLDER", "clip_folder"]

FRAMES = ("*/frames/*.*", "*/video.*")
MASKS = "*/masks/*.*"


def clip_folder(images: str = "", masks: str = MASKS, *, binary: bool = False) -> Collection:
    """Clips and masks that share what stars stand for, one mask per frame.

    Args:
        images: glob for the frames, ``"JPEGImages/480p/*/*.jpg"``, where stars but the last stand for the clip;
            folders with ``frames/`` or a ``video.*`` when empty.
        masks: glob for the masks, likewise.
        binary: masks are foreground and background, in whatever gray; else they hold label values.

    Example::

        >>> from monai_i2v.data.collections.clip_folder import clip_folder
        >>> clip_folder("JPEGImages/480p/*/*.jpg", "Annotations/480p/*/*.png").kind
        'videos'
    """
    media = (images,) if images else FRAMES
    return Collection(
        name="clip_folder",
        title="any clips with one mask per frame",
        modality="any",
        kind="videos",
        classes={1: "object"} if binary else {},
        source="one's own",
        terms="one's own",
        published={},
        layout=f"{' or '.join(media)} with {masks}",
        find=NamedFiles(media=tuple(map(_expression, media)), masks=(_expression(masks),)),
    )


def _expression(glob: str) -> str:
    """Stars in the last part stand for frames."""
    return glob_expression(glob, unnamed=glob.rpartition("/")[2].count("*"))


CLIP_FOLDER = clip_folder()
