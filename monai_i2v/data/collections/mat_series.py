# SPDX-License-Identifier: Apache-2.0
"""MATLAB files with one mask per frame."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.files.readable_file import check_readable

__all__ = ["INSTALL", "read_mat_series"]

INSTALL = "pip install monai_i2v[collections]"


def read_mat_series(path: Path) -> np.ndarray:
    """Read the one array (T, H, W) of a MAT file up to version 7.

    Raises:
        UsageError: When SciPy is missing, the file cannot be read, or does not hold one such array.
    """
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ImportError as error:
        raise UsageError(f"{path} can only be read with SciPy, which is not installed: {INSTALL}.") from error
    check_readable(path)
    try:
        content = loadmat(str(path), appendmat=False)
    except (MatReadError, NotImplementedError, OSError, TypeError, ValueError, zlib.error) as error:
        raise UsageError(
            f"{path} cannot be read as a MAT file up to version 7; it is damaged, cut off or newer; get it again, or "
            "save it with -v7."
        ) from error
    arrays = [array for name, array in content.items() if not name.startswith("__") and np.ndim(array) == 3]
    if len(arrays) != 1:
        raise UsageError(f"{path} holds {len(arrays)} arrays of three axes; expected one, (frames, rows, columns).")
    return arrays[0]
