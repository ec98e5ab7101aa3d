# SPDX-License-Identifier: Apache-2.0
"""Label maps as text: a page and a journal hold them as run lengths.

Axes: `H W` pixels of the video.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_i2v.errors import UsageError

__all__ = ["read_runs", "runs_of"]

EXPECTED = "expected pairs of a label and a number of pixels, row by row, that fill the frame"


def runs_of(label_map: np.ndarray) -> list[int]:
    """A label map (H, W) of integers or bool, row by row, as label, length, label, length ...

    Example::

        >>> import numpy as np
        >>> from monai_i2v.app.run_lengths import runs_of
        >>> runs_of(np.array([[0, 0, 7], [7, 0, 0]]))
        [0, 2, 7, 2, 0, 2]
    """
    flat = label_map.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths = np.diff(np.concatenate([starts, [flat.size]]))
    pairs: list[int] = np.stack([flat[starts].astype(np.int64), lengths], axis=1).ravel().tolist()
    return pairs


def read_runs(runs: Any, size: tuple[int, int]) -> np.ndarray:
    """The label map (H, W), int64, of what `runs_of` gave.

    Args:
        runs: from a page or a file, so it may be anything.
        size: H, W.

    Raises:
        UsageError: When it does not fill a frame.

    Example::

        >>> from monai_i2v.app.run_lengths import read_runs
        >>> read_runs([0, 2, 7, 2, 0, 2], (2, 3)).tolist()
        [[0, 0, 7], [7, 0, 0]]
    """
    sound = isinstance(runs, list) and len(runs) % 2 == 0 and all(type(number) is int for number in runs)
    if not sound or not all(0 <= number < 2**31 for number in runs) or sum(runs[1::2]) != size[0] * size[1]:
        raise UsageError(f"the mask is no {size[1]} x {size[0]} picture in runs, {EXPECTED}; send it again.")
    pairs = np.array(runs, np.int64).reshape(-1, 2)
    return np.repeat(pairs[:, 0], pairs[:, 1]).reshape(size)
