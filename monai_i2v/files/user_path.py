# SPDX-License-Identifier: Apache-2.0
"""Paths as people type them."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["user_path"]


def user_path(path: str | Path) -> Path:
    """A path with ``~`` replaced by the home directory; a name such as ``~old.mp4``, which is no user's, is kept.

    Example::

        >>> from monai_i2v.files.user_path import user_path
        >>> user_path("~/cine.mp4").is_absolute(), str(user_path("~old.mp4"))
        (True, '~old.mp4')
    """
    return Path(os.path.expanduser(path))
