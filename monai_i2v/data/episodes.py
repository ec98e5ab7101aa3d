# SPDX-License-Identifier: Apache-2.0
"""Episodes: a support image and a query image of the same class, drawn from labelled stills (TTT paper 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.transforms import Randomizable
from torch import Tensor
from torch.utils.data import Dataset

from monai_i2v.data.balanced_draw import BalancedDraw

__all__ = ["Episodes"]


class Episodes(Dataset):
    """Support and query of one class, drawn evenly over sets, then over the classes of a set, then over its images.

    Episode number `n` is a function of `seed` and `n` alone: it does not depend on the number of workers or
    processes, nor on the episodes drawn before, so training resumes with the episodes it would have had.

    Args:
        stills: loaded stills, a sequence of ``{"image": (3, H, W), "label": (1, H, W), "set": str, "classes": [int]}``
            (a MONAI ``CacheDataset``, say).
        transform: random transform of one still; support and query get independent draws.
        length: number of episodes of an epoch.
        same_image: share of episodes whose query is another view of the support image, as the next frame of a video
            would be; a class with a single image always does that.
        seed: start of the random stream.
        datalist: ``set`` and ``classes`` of the stills, when reading them from `stills` would load every image.

    Returns:
        Per episode ``{"image": query (3, H, W), "label": its mask (1, H, W), "support": (3, H, W), "support_mask":
        (1, H, W)}``, masks 0 or 1.
    """

    def __init__(
        self,
        stills: Sequence[Mapping[str, Any]],
        transform: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        *,
        length: int,
        same_image: float = 0.0,
        seed: int = 0,
        datalist: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self.stills, self.transform, self.length = stills, transform, length
        self.same_image, self.seed = same_image, seed
        self.balanced = BalancedDraw(stills if datalist is None else datalist)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        random = np.random.RandomState(np.random.SeedSequence([self.seed, number]).generate_state(1))
        value, support, query = self.draw(random)
        support_image, support_mask = self._view(support, value, random)
        image, label = self._view(query, value, random)
        return {"image": image, "label": label, "support": support_image, "support_mask": support_mask}

    def draw(self, random: np.random.RandomState) -> tuple[int, int, int]:
        """Class, index of the support and index of the query of one episode."""
        value, images = self.balanced.draw_class(random)
        support = images[random.randint(len(images))]
        others = [index for index in images if index != support]
        same = random.rand() < self.same_image or not others
        return value, support, support if same else others[random.randint(len(others))]

    def _view(self, index: int, value: int, random: np.random.RandomState) -> tuple[Tensor, Tensor]:
        if isinstance(self.transform, Randomizable):
            self.transform.set_random_state(seed=random.randint(2**31))
        still = self.transform({key: self.stills[index][key] for key in ("image", "label")})
        image, label = (torch.as_tensor(still[key]).float() for key in ("image", "label"))
        return image, (label == value).float()
