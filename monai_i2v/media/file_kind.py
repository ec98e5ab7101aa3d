# SPDX-License-Identifier: Apache-2.0
"""What kind of recording a file is, by its first bytes, where its name does not say; volumes need their names."""

from __future__ import annotations

from pathlib import Path

__all__ = ["suffix_of_content"]

# Where the bytes stand, what they are, and the suffix of such files; some formats have two marks.
MARKS: tuple[tuple[dict[int, bytes], str], ...] = (
    ({0: b"\x89PNG\r\n\x1a\n"}, ".png"),
    ({0: b"GIF8"}, ".gif"),
    ({0: b"\xff\xd8\xff"}, ".jpg"),
    ({0: b"II*\0"}, ".tif"),
    ({0: b"MM\0*"}, ".tif"),
    ({0: b"II+\0"}, ".tif"),
    ({0: b"\x93NUMPY"}, ".npy"),
    ({4: b"ftyp"}, ".mp4"),
    ({4: b"moov"}, ".mov"),
    ({0: b"\x1a\x45\xdf\xa3"}, ".mkv"),
    ({0: b"RIFF", 8: b"AVI "}, ".avi"),
    ({0: b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"}, ".wmv"),
    ({0: b"\0\0\x01\xba"}, ".mpg"),
    ({0: b"\0\0\x01\xb3"}, ".mpg"),
    ({0: b"G", 188: b"G", 376: b"G"}, ".ts"),
    ({4: b"G", 196: b"G", 388: b"G"}, ".m2ts"),
)
HEAD = 512  # bytes


def suffix_of_content(path: Path) -> str:
    """Suffix that a file should have; its own in lower case when its content is not known.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.media.file_kind import suffix_of_content
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "export.001")
        ...     _ = path.write_bytes(b"GIF89a and more")
        ...     suffix_of_content(path)
        '.gif'
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith(b"PK") and b".npy" in head:  # a ZIP file of arrays
        return ".npz"
    for marks, suffix in MARKS:
        if all(head.startswith(mark, place) for place, mark in marks.items()):
            return suffix
    return path.suffix.lower()
