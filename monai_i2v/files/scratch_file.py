# SPDX-License-Identifier: Apache-2.0
"""Bytes that would fill the memory: in memory while they are few, then in a temporary file."""

from __future__ import annotations

import tempfile
import weakref

from monai_i2v.errors import UsageError

__all__ = ["ScratchFile"]

MEMORY = 16 << 20  # bytes; what is more goes to the temporary folder


class ScratchFile:
    """Grows at its end; it goes with the object.

    Example::

        >>> from monai_i2v.files.scratch_file import ScratchFile
        >>> file = ScratchFile()
        >>> file.append(b"first"), file.append(b"second")
        (0, 5)
        >>> file.read(5, 6)
        b'second'
    """

    def __init__(self) -> None:
        self.file = tempfile.SpooledTemporaryFile(MEMORY)  # noqa: SIM115 (closed with the object)
        weakref.finalize(self, self.file.close)

    def append(self, content: bytes) -> int:
        """Keep bytes.

        Returns:
            Where they begin.

        Raises:
            UsageError: When the temporary folder is full.
        """
        offset = self.file.seek(0, 2)
        try:
            self.file.write(content)
            self.file.flush()
        except OSError as error:
            raise UsageError(
                f"masks cannot be kept in the temporary folder {tempfile.gettempdir()} ({error.strerror}); expected "
                "space there; free some, or set TMPDIR to another folder."
            ) from error
        return offset

    def read(self, offset: int, length: int) -> bytes:
        """What begins there."""
        self.file.seek(offset)
        return self.file.read(length)

    def cut(self, offset: int) -> None:
        """Forget what begins there, and all after it."""
        self.file.seek(offset)
        self.file.truncate()
