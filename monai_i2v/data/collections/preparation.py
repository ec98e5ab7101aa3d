# SPDX-License-Identifier: Apache-2.0
"""Samples as training and evaluation read them: masks as indexed PNG, media left where they are if possible."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.sample import Sample
from monai_i2v.data.collections.stored_masks import open_stored_picture, read_stored_masks
from monai_i2v.data.frame_folder import FrameFolder, find_pictures
from monai_i2v.data.mask_files import MAX_LABELS
from monai_i2v.data.open_video import open_video
from monai_i2v.data.palette import png_palette
from monai_i2v.data.picture import PICTURE_SUFFIXES, Picture
from monai_i2v.data.png_masks import MAX_INDEX, save_png_labels
from monai_i2v.data.video import Video
from monai_i2v.errors import UsageError

__all__ = ["Preparation", "Prepared"]

logger = logging.getLogger(__name__)

PALETTE = png_palette(range(1, MAX_INDEX + 1))


@dataclass(frozen=True)
class Prepared:
    """What stands in a datalist about a sample, with paths; nothing when no mask shows an object.

    Args:
        item: for training, ``image``, ``label``, ``classes``, ``group``; None for clips of which frames lack a mask.
        case: for evaluation, ``video``, ``ref_mask``, ``ref_frame``, ``truth``; None for stills.
    """

    item: dict[str, Any] | None = None
    case: dict[str, Any] | None = None


@dataclass(frozen=True)
class Preparation:
    """Write what no reader takes as it lies there: the masks always, images and frames where it must be.

    Args:
        collection: says how masks are stored.
        folder: where to write ``masks/<name>.png`` (and ``images/``) of stills, ``<name>/masks/`` (and
            ``<name>/frames/``) of clips.
        labels: values to keep; all when empty.
    """

    collection: Collection
    folder: Path
    labels: Sequence[int] = ()

    def __call__(self, sample: Sample) -> Prepared:
        """Write one sample.

        Raises:
            UsageError: When its files cannot be read, or do not fit together.
        """
        return self._still(sample) if self.collection.kind == "stills" else self._clip(sample)

    def _still(self, sample: Sample) -> Prepared:
        """One label map, which unites all masks."""
        image = sample.media[0].absolute()
        picture = open_stored_picture(image)
        labels = np.maximum.reduce(list(self._masks(sample, (picture.height, picture.width))))
        classes = self._classes(labels)
        if not classes:
            return Prepared()
        if image.suffix.lower() not in PICTURE_SUFFIXES:
            image = self.folder / "images" / f"{sample.name}.png"
            _save(picture, image)
        place = self.folder / "masks" / f"{sample.name}.png"
        _save_labels(labels, place)
        return Prepared(item={"image": image, "label": place, "classes": classes, "group": sample.group})

    def _clip(self, sample: Sample) -> Prepared:
        """A label map per labelled frame, of the frame's name; the reference is the first that shows an object."""
        place = self.folder / sample.name
        with _open_media(sample) as video:
            names = _frame_names(video)
            drawn = self._save_masks(sample, video, place / "masks", names)
            shown = [frame for frame, classes in drawn.items() if classes]
            if not shown:
                return Prepared()
            span = range(min(drawn), max(drawn) + 1)
            source = _as_it_lies(sample) if span == range(len(video)) and set(drawn) == set(span) else None
            if source is None or self.collection.frame_size:
                source = place / "frames"
                for frame in span:
                    _save(self._picture(video, frame), source / f"{names[frame]}.png")
        truth = place / "masks"
        classes = sorted({value for values in drawn.values() for value in values})
        item = {"image": source, "label": truth, "classes": classes, "group": sample.group}
        case = {"video": source, "ref_mask": truth / f"{names[shown[0]]}.png", "ref_frame": shown[0] - span[0]}
        return Prepared(item if len(drawn) == len(span) else None, {**case, "truth": truth})

    def _save_masks(self, sample: Sample, video: Video, folder: Path, names: Sequence[str]) -> dict[int, list[int]]:
        """Classes by labelled frame."""
        wanted = sample.frames or range(len(video))
        frames = [frame for frame in wanted if frame < len(video)]
        masks = self._masks(sample, self.collection.frame_size or (video.info.height, video.info.width))
        drawn = {}
        for frame, mask in zip(frames, masks, strict=False):
            _save_labels(mask, folder / f"{names[frame]}.png")
            drawn[frame] = self._classes(mask)
        spare = sum(1 for _ in masks)
        if spare or len(drawn) < len(wanted):
            logger.warning(
                "%s has %d frames and %d masks for them; the first %d of both are taken.",
                *(sample.name, len(wanted), len(drawn) + spare, len(drawn)),
            )
        return drawn

    def _masks(self, sample: Sample, size: tuple[int, int]) -> Iterator[np.ndarray]:
        for path in sample.masks:
            for mask in read_stored_masks(path, self.collection.is_binary):
                if mask.shape != size:
                    raise UsageError(
                        f"the mask {path} is {mask.shape[1]} x {mask.shape[0]}, but its image is {size[1]} x {size[0]} "
                        "(width x height); expected the same size; get both again."
                    )
                yield self._keep(mask.astype(np.int32), path)

    def _keep(self, mask: np.ndarray, path: Path) -> np.ndarray:
        """The wanted values of a label map; others become background."""
        if not self.collection.classes and len(np.unique(mask)) > MAX_LABELS:
            raise UsageError(
                f"the mask {path} has more than {MAX_LABELS} values; expected labels; if it is foreground and "
                "background in gray, say so (--binary)."
            )
        for wanted in (self.collection.classes, self.labels):
            if wanted:
                mask = np.where(np.isin(mask, list(wanted)), mask, 0)
        return mask

    def _classes(self, labels: np.ndarray) -> list[int]:
        values, counts = np.unique(labels, return_counts=True)
        return [int(value) for value in values[counts >= self.collection.min_pixels] if value > 0]

    def _picture(self, video: Video, frame: int) -> Image.Image:
        """What a frame looks like, 8 bit, at the masks' size."""
        pixels = (video[frame] * 255).round().byte().permute(1, 2, 0).numpy()  # (H, W, 3)
        is_gray = (pixels == pixels[..., :1]).all()
        picture = Image.fromarray(pixels[..., 0] if is_gray else pixels)
        size = self.collection.frame_size
        return picture.resize(size[::-1], Image.Resampling.BILINEAR) if size else picture


def _open_media(sample: Sample) -> Video:
    if len(sample.media) == 1:
        return open_video(sample.media[0])
    return FrameFolder(sample.media[0].parent, [Picture(path) for path in sample.media])


def _as_it_lies(sample: Sample) -> Path | None:
    """A path that `open_video` opens as just these frames, None when there is none."""
    if len(sample.media) == 1:
        return sample.media[0].absolute()
    folder = sample.media[0].parent
    is_all = [picture.path for picture in find_pictures(folder)] == list(sample.media)
    return folder.absolute() if is_all else None


def _frame_names(video: Video) -> list[str]:
    """Those of its pictures, by which `Truth` finds their masks, or numbers."""
    stems = [picture.path.stem for picture in video.pictures] if isinstance(video, FrameFolder) else []
    return stems if stems and len(set(stems)) == len(stems) else [f"{index:05d}" for index in range(len(video))]


def _save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def _save_labels(labels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_png_labels(path, labels, PALETTE if labels.max(initial=0) <= MAX_INDEX else None)
