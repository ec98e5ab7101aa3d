# SPDX-License-Identifier: Apache-2.0
"""Settings that are on or off, as a config or a command line gives them."""

from __future__ import annotations

from typing import Any

from monai_i2v.errors import UsageError

__all__ = ["read_switch"]


def read_switch(name: str, value: Any) -> bool:
    """True or False, or these words in any case: MONAI's command line makes a text of ``--crop true``.

    Args:
        name: of the setting.
        value: as it was given.

    Raises:
        UsageError: When it is neither.

    Example::

        >>> from monai_i2v.options import read_switch
        >>> read_switch("crop", "true"), read_switch("crop", False)
        (True, False)
    """
    words = {"true": True, "false": False}
    if str(value).lower() not in words:
        raise UsageError(f"{name} is {value!r}, expected true or false; use one of these.")
    return words[str(value).lower()]
