# SPDX-License-Identifier: Apache-2.0
"""Samples as training and evaluation read them: masks as indexed PNG, media left where they are if possible."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monai_i2v.data.collections.clip_frames import ClipFrames
from monai_i2v.data.collections.sample import Sample
from monai_i2v.data.collections.sample_masks import SampleMasks, save_labels
from monai_i2v.data.collections.stored_masks import open_stored_picture
from monai_i2v.media.picture import PICTURE_SUFFIXES

__all__ = ["Preparation", "Prepared"]


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
        masks: reads the masks.
        folder: where to write to: ``masks/<name>.png`` (and ``images/``) of stills, ``<name>/masks/`` (and
            ``<name>/frames/``) of clips.
    """

    masks: SampleMasks
    folder: Path

    def __call__(self, sample: Sample) -> Prepared:
        """Write one sample.

        Raises:
            UsageError: When its files cannot be read, or do not fit together.
        """
        return self._still(sample) if self.masks.collection.kind == "stills" else self._clip(sample)

    def _still(self, sample: Sample) -> Prepared:
        """One label map, which unites all masks."""
        image = sample.media[0].absolute()
        picture = open_stored_picture(image)
        labels = np.maximum.reduce(list(self.masks.read(sample, (picture.height, picture.width))))
        classes = self.masks.classes(labels)
        if not classes:
            return Prepared()
        if image.suffix.lower() not in PICTURE_SUFFIXES:
            image = self.folder / "images" / f"{sample.name}.png"
            image.parent.mkdir(parents=True, exist_ok=True)
            picture.save(image)
        place = self.folder / "masks" / f"{sample.name}.png"
        save_labels(labels, place)
        return Prepared(item={"image": image, "label": place, "classes": classes, "group": sample.group})

    def _clip(self, sample: Sample) -> Prepared:
        """A label map per labelled frame, of the frame's name; the reference is the first that shows an object."""
        truth = self.folder / sample.name / "masks"
        classes: dict[int, list[int]] = {}
        with ClipFrames(self.masks.collection, sample) as clip:
            for frame, mask in clip.pair(self.masks.read(sample, clip.size)):
                save_labels(mask, truth / f"{clip.names[frame]}.png")
                classes[frame] = self.masks.classes(mask)
            if not any(classes.values()):
                return Prepared()
            span = clip.span(classes)
            source = clip.as_it_lies(classes) or clip.write(span, self.folder / sample.name / "frames")
            reference = next(frame for frame in classes if classes[frame])
            ref_mask = truth / f"{clip.names[reference]}.png"
        all_classes = sorted({value for values in classes.values() for value in values})
        item = {"image": source, "label": truth, "classes": all_classes, "group": sample.group}
        case = {"video": source, "ref_mask": ref_mask, "ref_frame": reference - span[0], "truth": truth}
        return Prepared(item if len(classes) == len(span) else None, case)
