# SPDX-License-Identifier: Apache-2.0
"""The error that a person can mend, and how a bundle's command shows it: one sentence, no traceback."""

from __future__ import annotations

import os
import sys
from types import TracebackType

__all__ = ["DEBUG_VARIABLE", "UsageError", "show_usage_errors_in_one_sentence"]

DEBUG_VARIABLE = "MONAI_I2V_DEBUG"


class UsageError(ValueError):
    """Something about an input, an output or a setting that the person at the keyboard can mend.

    Its text is one sentence: what is wrong (with the value), what was expected, what to do. Line breaks and
    control characters, which names of files may hold, are shown as ``\\n`` and the like.

    Example::

        >>> from monai_i2v.errors import UsageError
        >>> str(UsageError("ref_frame is 12, but the video has 10 frames (0 to 9); choose one of these."))
        'ref_frame is 12, but the video has 10 frames (0 to 9); choose one of these.'
    """

    def __init__(self, sentence: str) -> None:
        super().__init__("".join(char if char.isprintable() else repr(char)[1:-1] for char in sentence))


def show_usage_errors_in_one_sentence() -> None:
    """Let an uncaught `UsageError` end the process with its sentence and status 1, without a traceback.

    The bundles call this in ``initialize``. MONAI wraps what happens while it builds an object of a config, so the
    causes of an error are searched too. Set the environment variable ``MONAI_I2V_DEBUG=1`` to see tracebacks.
    """
    if os.environ.get(DEBUG_VARIABLE, "0") == "0":
        sys.excepthook = _excepthook


def _excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    usage_error = _find_usage_error(error)
    if usage_error is None:
        sys.__excepthook__(kind, error, traceback)
    else:
        sys.stderr.write(f"\nmonai_i2v: {usage_error}\n")


def _find_usage_error(error: BaseException | None) -> UsageError | None:
    while error is not None and not isinstance(error, UsageError):
        error = error.__cause__ or error.__context__
    return error
