# SPDX-License-Identifier: Apache-2.0
"""Globs whose stars are names."""

from __future__ import annotations

import re

__all__ = ["glob_expression"]


def glob_expression(glob: str, unnamed: int = 0) -> str:
    """The regular expression of a glob for `NamedFiles`: its stars, which do not reach over ``/``, are the name.

    Args:
        glob: path with stars, ``"images/*.jpg"``.
        unnamed: how many of the last stars are no part of the name.

    Example::

        >>> import re
        >>> from monai_i2v.data.collections.glob_names import glob_expression
        >>> re.fullmatch(glob_expression("*/frames/*.png", unnamed=1), "clip7/frames/12.png").groupdict()
        {'name0': 'clip7'}
    """
    first, *others = [re.escape(part) for part in glob.split("*")]
    named = len(others) - unnamed
    stars = [f"(?P<name{index}>[^/]+)" if index < named else "[^/]+" for index in range(len(others))]
    return first + "".join(star + part for star, part in zip(stars, others, strict=True))
