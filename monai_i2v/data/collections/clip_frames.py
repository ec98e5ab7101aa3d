# SPDX-License-Identifier: Apache-2.0
"""Which frames of a recording make up a clip, and which of them have masks."""

from __future__ import annotations

import logging
from collections.abc import Collection as SomeFrames
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.sample import Sample
from monai_i2v.errors import UsageError
from monai_i2v.media.frame_folder import FrameFolder, find_pictures
from monai_i2v.media.open_video import open_video
from monai_i2v.media.picture import Picture
from monai_i2v.media.video import Video

__all__ = ["ClipFrames"]

logger = logging.getLogger(__name__)


class ClipFrames:
    """The recording of a sample, open.

    Its masks belong to the frames that the sample says; else to the pictures that have their names; else to all frames
    in order.

    Args:
        collection: says the size of the frames, and whether spare frames or masks may be left out.
        sample: a clip.

    Raises:
        UsageError: When the recording cannot be read.
    """

    def __init__(self, collection: Collection, sample: Sample) -> None:
        self.collection, self.sample = collection, sample
        self.video = _open_media(sample)
        self.size = collection.frame_size or (self.video.info.height, self.video.info.width)
        stems = [picture.path.stem for picture in self.video.pictures] if isinstance(self.video, FrameFolder) else []
        by_name = {stem: index for index, stem in enumerate(stems)}
        has_names = 0 < len(stems) == len(by_name)  # the pages of a TIFF have one name
        self.names = stems if has_names else [f"{index:05d}" for index in range(len(self.video))]
        masks = [path.stem for path in sample.masks]
        self.is_named = has_names and sample.frames is None and set(masks) <= set(by_name)
        self.labelled: Sequence[int] = [by_name[stem] for stem in masks] if self.is_named else range(len(self.video))
        if sample.frames is not None:
            self.labelled = sample.frames

    def __enter__(self) -> ClipFrames:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.video.close()

    def pair(self, masks: Iterator[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
        """Frames with their masks.

        Raises:
            UsageError: When there are more of one than of the other, and the collection is not known for that.
        """
        frames = [frame for frame in self.labelled if frame < len(self.video)]
        pairs = 0
        for frame, mask in zip(frames, masks, strict=False):
            yield frame, mask
            pairs += 1
        count = pairs + sum(1 for _ in masks)
        if count == pairs == len(self.labelled):
            return
        wrong = f"{self.sample.name} has {len(frames)} frames and {count} masks for them"
        if not self.collection.may_have_spare_frames:
            raise UsageError(f"{wrong}; expected one mask per frame, or masks with the names of their frames.")
        logger.warning("%s; the first %d of both are taken.", wrong, pairs)

    def span(self, drawn: SomeFrames[int]) -> range:
        """Frames of the clip: all when masks are known by names, else those from the first mask to the last.

        Args:
            drawn: frames that have a mask.
        """
        return range(len(self.video)) if self.is_named else range(min(drawn), max(drawn) + 1)

    def as_it_lies(self, drawn: SomeFrames[int]) -> Path | None:
        """A path that opens as just the clip, so that its masks are found; None when there is none."""
        span = self.span(drawn)
        is_whole = span == range(len(self.video)) and (self.is_named or len(drawn) == len(span))
        if not is_whole or self.collection.frame_size:
            return None
        if len(self.sample.media) == 1:
            return self.sample.media[0].absolute()
        folder = self.sample.media[0].parent
        is_folder = [picture.path for picture in find_pictures(folder)] == list(self.sample.media)
        return folder.absolute() if is_folder else None

    def write(self, frames: range, folder: Path) -> Path:
        """Write what frames look like, as PNG of 8 bit at the masks' size."""
        folder.mkdir(parents=True)
        for frame in frames:
            pixels = (self.video[frame] * 255).round().byte().permute(1, 2, 0).numpy()  # (H, W, 3)
            is_gray = (pixels == pixels[..., :1]).all()
            picture = Image.fromarray(pixels[..., 0] if is_gray else pixels)
            if picture.size != self.size[::-1]:
                picture = picture.resize(self.size[::-1], Image.Resampling.BILINEAR)
            picture.save(folder / f"{self.names[frame]}.png")
        return folder


def _open_media(sample: Sample) -> Video:
    if len(sample.media) == 1:
        return open_video(sample.media[0])
    return FrameFolder(sample.media[0].parent, [Picture(path) for path in sample.media])
