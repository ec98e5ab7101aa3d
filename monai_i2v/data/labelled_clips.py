# SPDX-License-Identifier: Apache-2.0
"""Labelled clips on disk, as MONAI datalist items."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from tqdm import tqdm

from monai_i2v.data.training_sets import choose_sets, classes_of
from monai_i2v.errors import UsageError
from monai_i2v.masks.mask_files import read_label_pictures
from monai_i2v.media.frame_folder import FrameFolder
from monai_i2v.media.open_video import open_video

__all__ = ["LabelledClip", "find_clips"]

EXPECTED_TREE = "<folder>/<set>/<clip>/masks/*.png beside <clip>/frames/ or <clip>/video.mp4, one mask per frame"


class LabelledClip(TypedDict):
    """A clip with a mask for each frame."""

    image: str
    label: str
    set: str
    classes: list[int]


def find_clips(folder: str | Path, sets: Sequence[str] | None = None) -> list[LabelledClip]:
    """List the labelled clips below a folder, set by set.

    A clip is a folder with ``masks/`` (one picture per frame, 0 = background) beside ``frames/`` or ``video.*``, as
    `save_phantom` writes it.

    Args:
        folder: folder with one sub-folder per set.
        sets: names of the sets to take; all when None.

    Returns:
        Items ``{"image", "label", "set", "classes"}``; a clip's classes are those of its first frame, and a clip
        without any there is left out.

    Raises:
        UsageError: When the folder or a set is missing, a clip has no frames or not one mask per frame, or nothing
            usable is there.
    """
    root = Path(folder)
    found = {path.parent.parent.name for path in root.glob("*/*/masks")}
    chosen = choose_sets(root, sets, found, kind="clips", expected=EXPECTED_TREE)
    folders = [(name, path.parent) for name in chosen for path in sorted((root / name).glob("*/masks"))]
    clips = [_clip(path, name) for name, path in tqdm(folders, desc="reading masks", unit="clip", leave=False)]
    clips = [clip for clip in clips if clip["classes"]]
    if not clips:
        raise UsageError(f"no clip in {root} shows an object in its first frame; expected {EXPECTED_TREE}.")
    return clips


def _clip(folder: Path, set_name: str) -> LabelledClip:
    source = next((path for path in (folder / "frames", *sorted(folder.glob("video.*"))) if path.exists()), None)
    if source is None:
        raise UsageError(f"{folder} has masks, but no frames; expected {EXPECTED_TREE}.")
    with open_video(source) as video, open_video(folder / "masks") as masks:
        assert isinstance(masks, FrameFolder)
        if len(masks) != len(video):
            raise UsageError(f"{folder} has {len(video)} frames and {len(masks)} masks; expected one mask per frame.")
        first = read_label_pictures(masks.info.path, masks.pictures[:1])
    return LabelledClip(image=str(source), label=str(folder / "masks"), set=set_name, classes=classes_of(first))
