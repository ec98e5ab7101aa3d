# SPDX-License-Identifier: Apache-2.0
"""Short clips to train memory networks on, from labelled stills and from labelled clips (TCMN paper, 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from monai.transforms import Randomizable
from torch import Tensor
from torch.utils.data import Dataset

from monai_i2v.data.balanced_draw import BalancedDraw
from monai_i2v.options import read_number

__all__ = ["ClipSampling", "Clips"]

# How often frames of a labelled clip are drawn until the first one shows an object.
MAX_DRAWS = 20


@dataclass(frozen=True)
class ClipSampling:
    """What a training clip consists of.

    Args:
        frames: frames `T`.
        objects: channels `K` of the masks; one to `K` objects of an image are drawn.
        regions: share of clips from stills whose objects are unlabelled regions, see `Regions`.
        same_class: share of the other clips from stills whose later frames show another still of the class: looks
            change then by more than motion, as between the phases of a heart beat or after a turn of the camera.
        pasted: share of clips into which an object of another clip is pasted: one object more or, where all `K`
            channels are taken, background (copy-paste, Ghiasi et al., CVPR 2021).
        reverse: share of labelled clips that run backward in time.
        max_gaps: from which clip number on, the largest step in time between frames of a labelled clip; several pairs
            make a curriculum.
        set_weights: how often a set is drawn, by name; the others weigh 1.

    Raises:
        UsageError: When a share is no number from 0 to 1.
    """

    frames: int = 3
    objects: int = 2
    regions: float = 0.0
    same_class: float = 0.0
    pasted: float = 0.0
    reverse: float = 0.5
    max_gaps: Sequence[tuple[int, int]] = ((0, 6),)
    set_weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("regions", "same_class", "pasted", "reverse"):
            read_number(name, getattr(self, name), 0, 1, use=0.5)

    def max_gap(self, number: int) -> int:
        """Largest step in time of clip `number`."""
        return [gap for first, gap in self.max_gaps if number >= first][-1]


DEFAULT_SAMPLING = ClipSampling()


class Clips(Dataset):
    """Clips with the masks of a few objects, drawn evenly over sets, then over the classes of a set, then its images.

    A still gives its picture for all frames, and the transform moves it. A labelled clip gives ordered frames with
    random gaps.

    Clip number `n` is a function of `seed` and `n` alone: it does not depend on the number of workers or processes,
    nor on the clips drawn before, so training resumes with the clips it would have had.

    Args:
        items: loaded items, ``{"image": (3, X, Y) or (3, X, Y, T), "label": (1, ...), "set": str, "classes": [int]}``
            (a MONAI ``CacheDataset``, say), and ``"image_regions"`` when regions are to be followed.
        transform: random transform of image and label into a clip of the networks' layout, (T, 3, H, W) and (T, 1, H,
            W): `SyntheticClipd` and `ToFramesd`.
        length: number of clips of an epoch.
        sampling: what a clip consists of.
        seed: start of the random stream.
        datalist: ``set`` and ``classes`` of the items, when reading them from `items` would load every image.

    Returns:
        Per clip ``{"image": (T, 3, H, W) in [0, 1], "label": masks (T, K, H, W), 0 or 1, "masks": those of the first
        frame (K, H, W)}``.
    """

    def __init__(
        self,
        items: Sequence[Mapping[str, Any]],
        transform: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        *,
        length: int,
        sampling: ClipSampling = DEFAULT_SAMPLING,
        seed: int = 0,
        datalist: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self.items, self.transform, self.length = items, transform, length
        self.sampling, self.seed = sampling, seed
        self.balanced = BalancedDraw(items if datalist is None else datalist, sampling.set_weights)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        random = np.random.RandomState(np.random.SeedSequence([self.seed, number]).generate_state(1))
        image, label = self._draw_clip(number, random)
        if self.sampling.pasted and random.rand() < self.sampling.pasted:
            image, label = paste_object(image, label, *self._draw_clip(number, random))
        masks = (label == torch.arange(1, self.sampling.objects + 1).view(-1, 1, 1)).float()  # (T, K, H, W)
        return {"image": image, "label": masks, "masks": masks[0]}

    def _draw_clip(self, number: int, random: np.random.RandomState) -> tuple[Tensor, Tensor]:
        """Image (T, 3, H, W) and label map (T, 1, H, W)."""
        value, indices = self.balanced.draw_class(random)
        item = self.items[indices[random.randint(len(indices))]]
        if item["image"].ndim == 4:
            return self._from_clip(item, value, number, random)
        return self._from_still(item, value, indices, random)

    def draw_times(self, number: int, length: int, random: np.random.RandomState) -> list[int]:
        """Frames to take from a labelled clip of that length: distinct ones while there are enough."""
        gaps = 1 + random.randint(self.sampling.max_gap(number), size=self.sampling.frames - 1)
        while gaps.sum() >= length and gaps.max() > 1:
            gaps[gaps.argmax()] -= 1
        first = random.randint(max(1, length - gaps.sum()))
        times = np.minimum(first + np.concatenate([[0], gaps.cumsum()]), length - 1)
        return times[::-1].tolist() if random.rand() < self.sampling.reverse else times.tolist()

    def _from_clip(
        self, item: Mapping[str, Any], value: int, number: int, random: np.random.RandomState
    ) -> tuple[Tensor, Tensor]:
        """Frames of a labelled clip."""
        image, label = (torch.as_tensor(item[key]) for key in ("image", "label"))
        for _ in range(MAX_DRAWS):
            times = self.draw_times(number, image.shape[-1], random)
            if label[..., times[0]].any():
                break
        objects = self._draw_objects(label[..., times[0]], value, random)
        return self._move(image[..., times], label[..., times], objects, random)

    def _from_still(
        self, item: Mapping[str, Any], value: int, indices: Sequence[int], random: np.random.RandomState
    ) -> tuple[Tensor, Tensor]:
        """A still in motion; its objects are labelled ones or regions."""
        image, label = (torch.as_tensor(item[key]) for key in ("image", "label"))
        if random.rand() < self.sampling.regions and (regions := torch.as_tensor(item["image_regions"])).any():
            return self._move(image, regions, self._draw_objects(regions, None, random), random)
        objects = self._draw_objects(label, value, random)
        clip = self._move(image, label, objects, random)
        other = self.items[indices[random.randint(len(indices))]] if random.rand() < self.sampling.same_class else item
        if other is item or other["image"].ndim == 4:
            return clip
        later = self._move(torch.as_tensor(other["image"]), torch.as_tensor(other["label"]), objects, random)
        return torch.cat([clip[0][:1], later[0][1:]]), torch.cat([clip[1][:1], later[1][1:]])

    def _draw_objects(self, label: Tensor, value: int | None, random: np.random.RandomState) -> list[int]:
        """Values of one to `K` objects of a label map, `value` first when it is there."""
        values = [int(number) for number in label.unique() if number != 0]
        chosen = [number for number in values if number == value]
        others = [number for number in values if number != value]
        count = random.randint(1, self.sampling.objects + 1)
        return chosen + random.permutation(others)[: count - len(chosen)].tolist()

    def _move(
        self, image: Tensor, label: Tensor, objects: Sequence[int], random: np.random.RandomState
    ) -> tuple[Tensor, Tensor]:
        """Image (T, 3, H, W) in [0, 1] and label map (T, 1, H, W) of a clip, with its objects numbered from 1 on."""
        numbered = torch.zeros_like(label)
        for number, old in enumerate(objects, start=1):
            numbered[label == old] = number
        if isinstance(self.transform, Randomizable):
            self.transform.set_random_state(seed=random.randint(2**31))
        clip = self.transform({"image": image.float() / 255, "label": numbered.float()})
        return torch.as_tensor(clip["image"]), torch.as_tensor(clip["label"])


def paste_object(image: Tensor, label: Tensor, other_image: Tensor, other_label: Tensor) -> tuple[Tensor, Tensor]:
    """Object 1 of another clip over a clip, numbered after its objects; the clip alone if one were hidden at first.

    Images (T, 3, H, W), label maps (T, 1, H, W), all of the same size.
    """
    pasted = other_label == 1
    merged = torch.where(pasted, label.max() + 1, label)
    before, after = (x[0].flatten().long().bincount(minlength=int(merged.max()) + 1)[1:] for x in (label, merged))
    if (2 * after < before).any():
        return image, label
    return torch.where(pasted, other_image, image), merged
