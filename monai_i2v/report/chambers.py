# SPDX-License-Identifier: Apache-2.0
"""Which objects are chambers, whose volume is asked for?"""

from __future__ import annotations

from collections.abc import Sequence

from monai_i2v.errors import UsageError

__all__ = ["named_chambers"]


def named_chambers(chamber: int | Sequence[int] | None, labels: Sequence[int]) -> tuple[int, ...]:
    """Read the option ``--chamber``.

    Args:
        chamber: a label value, several, or None for no chamber.
        labels: label values of the mask.

    Raises:
        UsageError: When a chamber is no label of the mask.

    Example::

        >>> from monai_i2v.report import named_chambers
        >>> named_chambers(2, [1, 2]), named_chambers([2, 1], [1, 2]), named_chambers(None, [1, 2])
        ((2,), (2, 1), ())
    """
    if chamber is None:
        return ()
    chambers = tuple(chamber) if isinstance(chamber, (list, tuple)) else (chamber,)
    for one in chambers:
        if type(one) is not int or one not in labels:
            raise UsageError(
                f"chamber is {one!r}, which is no label of the mask; expected one of {', '.join(map(str, labels))}, or "
                "a list of these; leave it out for no volume."
            )
    return chambers
