# SPDX-License-Identifier: Apache-2.0
"""Clips with known truth: folders of frames and masks, and phantoms."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset

from monai_i2v.errors import UsageError
from monai_i2v.masks import Truth
from monai_i2v.media import Video
from monai_i2v.media.frame_folder import FrameFolder, find_pictures
from monai_i2v.phantoms import Phantom
from monai_i2v.phantoms.phantom import LOOKS
from monai_i2v.transforms.label_masks import occurring_labels

__all__ = [
    "BACKWARD",
    "PHANTOM",
    "Clip",
    "add_clip_arguments",
    "backward",
    "family_of",
    "find_clips",
    "make_controls",
    "make_phantoms",
    "scored_frames",
    "wanted_clips",
]

# Two objects, crossed once by a rib's shadow or an instrument: without it, nothing is hard.
PHANTOM: dict[str, Any] = {"length": 20, "size": (256, 256), "objects": 2, "occlusion": True}
# Three times as long, to be seen three times as fast.
LONG: dict[str, Any] = {**PHANTOM, "length": 60}
# Objects that cover no more than this share of frame 0 are not scored: a pixel decides about them.
MIN_SHARE = 0.002
# The end of the name of a clip that runs backward in time.
BACKWARD = "_backward"


def family_of(name: str) -> str:
    """The family of a clip, see `Clip`."""
    return name.partition("_")[0]


@dataclass(frozen=True)
class Clip:
    """A video with the truth of frame 0 and of some other frames.

    Args:
        name: its name; the part before the first ``_`` is its family.
        video: the frames; as tensors (3, H, W) in [0, 1].
        label_map: truth (H, W) of a frame, None where nobody drew it.
    """

    name: str
    video: Video | Sequence[Tensor]
    label_map: Callable[[int], np.ndarray | None]

    @property
    def family(self) -> str:
        """Clips of one kind, which are averaged together."""
        return family_of(self.name)

    def read_truth(self) -> dict[int, Tensor]:
        """All label maps (H, W) that there are, by frame.

        Raises:
            UsageError: When frame 0 has none.
        """
        drawn = {index: self.label_map(index) for index in range(len(self.video))}
        truth = {
            index: torch.from_numpy(labels.astype(np.int32)) for index, labels in drawn.items() if labels is not None
        }
        if 0 not in truth:
            raise UsageError(f"{self.name} has no mask of frame 0, expected one to start from; draw it.")
        return truth


def backward(clip: Clip) -> Clip:
    """The clip from the last frame with a truth back to frame 0."""
    last = max(index for index in range(len(clip.video)) if clip.label_map(index) is not None)
    video: Any = clip.video
    frames: Any = Subset(video, range(last, -1, -1))  # decoded when asked for
    return Clip(clip.name + BACKWARD, frames, lambda index: clip.label_map(last - index))


def scored_frames(truth: Mapping[int, Tensor]) -> dict[int, list[int]]:
    """Which frames count for which object.

    Args:
        truth: label maps (H, W) by frame.

    Returns:
        By label: the frames after frame 0 that show the object. Objects that are tiny in frame 0 or never seen again
        are left out.
    """
    first = truth[0]
    large = [label for label in occurring_labels(first) if (first == label).sum() > MIN_SHARE * first.numel()]
    seen = {label: [index for index in truth if index > 0 and (truth[index] == label).any()] for label in large}
    return {label: frames for label, frames in seen.items() if frames}


def find_clips(folder: Path) -> list[Clip]:
    """Clips in the layout ``<name>/{frames/00000.jpg, masks/00000.png}``; a frame's mask has the frame's name.

    Raises:
        UsageError: When there are none.
    """
    clips = [_open_clip(frames.parent) for frames in sorted(folder.glob("*/frames"))]
    if not clips:
        raise UsageError(
            f"{folder} holds no clips, expected <clip>/frames and <clip>/masks in it; give another --data."
        )
    return clips


def make_phantoms(count: int) -> list[Clip]:
    """`count` phantoms of each look, with the seeds 0, 1 ..."""
    made = [(f"phantom-{look}_{seed}", Phantom(look, seed=seed, **PHANTOM)) for look in LOOKS for seed in range(count)]
    return [Clip(name, phantom, phantom.label_map) for name, phantom in made]


def make_controls(count: int) -> list[Clip]:
    """Phantoms that show what a comparison of neighboring frames is worth, `count` of each kind.

    ``control-still``: nothing moves, and there is nothing to gain. ``control-flicker``: every second frame is noise for
    the most part, the frames between are good. ``control-fast``: every third frame of a video; neighbors differ.
    """
    return [clip for seed in range(count) for clip in _controls(Phantom("ultrasound", seed=seed, **LONG), seed)]


def _controls(phantom: Phantom, seed: int) -> list[Clip]:
    step = LONG["length"] // PHANTOM["length"]
    frames = list(phantom)
    slow = frames[: PHANTOM["length"]]
    noise = torch.rand(len(slow), *slow[0].shape, generator=torch.Generator().manual_seed(seed))
    noisy = [frame if index % 2 == 0 else 0.4 * frame + 0.6 * noise[index] for index, frame in enumerate(slow)]
    return [
        Clip(f"control-still_{seed}", [slow[0]] * len(slow), lambda index: phantom.label_map(0)),
        Clip(f"control-flicker_{seed}", noisy, phantom.label_map),
        Clip(f"control-fast_{seed}", frames[::step], lambda index: phantom.label_map(step * index)),
    ]


def add_clip_arguments(parser: ArgumentParser, *, phantoms: int) -> None:
    """Let the command line say which clips, and how large; `phantoms` of each look if it does not."""
    parser.add_argument("--data", type=Path, help="folder of <clip>/{frames/*.jpg, masks/*.png}; phantoms only if none")
    parser.add_argument("--clips", default="", help="take clips only whose names start so")
    parser.add_argument("--limit", type=int, help="clips of each family to take; all of them if not given")
    parser.add_argument("--phantoms", type=int, default=phantoms, help="phantoms of each look")
    parser.add_argument("--size", type=int, default=256, help="short side that the networks see, px")


def wanted_clips(args: Namespace, further: Sequence[Clip] = ()) -> list[Clip]:
    """The clips that the command line asks for.

    These are the first ``--limit`` of each family whose names start with ``--clips``.

    Args:
        args: with what `add_clip_arguments` adds.
        further: clips to choose from, beside those of the folder and the phantoms.

    Raises:
        UsageError: When there is none.
    """
    clips = [*(find_clips(args.data) if args.data else ()), *make_phantoms(args.phantoms), *further]
    kept = [clip for clip in clips if clip.name.startswith(args.clips)]
    if not kept:
        names = ", ".join(clip.name for clip in clips)
        raise UsageError(f"clips is {args.clips!r}, expected the start of one of: {names}; choose one of these.")
    families = groupby(sorted(kept, key=lambda clip: clip.family), key=lambda clip: clip.family)
    return [clip for _, family in families for clip in list(family)[: args.limit]]


def _open_clip(folder: Path) -> Clip:
    video = FrameFolder(folder / "frames", find_pictures(folder / "frames"))
    return Clip(folder.name, video, Truth(folder / "masks", video).__getitem__)
