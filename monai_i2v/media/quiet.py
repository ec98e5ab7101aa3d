# SPDX-License-Identifier: Apache-2.0
"""Libraries that read files warn of what they find in them, some for every frame."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet"]


@contextmanager
def quiet(library: str) -> Iterator[None]:
    """Keep a library's warnings off the console: what a person must know of a file is said in a sentence of ours.

    Args:
        library: its name, which is that of its logger.

    Example::

        >>> import logging
        >>> from monai_i2v.media.quiet import quiet
        >>> with quiet("pydicom"):
        ...     logging.getLogger("pydicom").warning("a value is not what the standard says")
    """
    logger, handler = logging.getLogger(library), logging.NullHandler()
    propagate = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.propagate = propagate
        logger.removeHandler(handler)
