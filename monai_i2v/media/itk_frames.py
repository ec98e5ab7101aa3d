# SPDX-License-Identifier: Apache-2.0
"""Pixels of MHA, MHD and NRRD files, written frame by frame behind a header that SimpleITK made."""

from __future__ import annotations

import re
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import IO

from monai_i2v.media.volume import LabelFrames

__all__ = ["insert_frames"]

GZIP = 31  # bits of the window, as zlib asks for the format of gzip
ZLIB = 15
META_END, NRRD_END = re.compile(rb"ElementDataFile = [^\n]*\n"), re.compile(rb"\n\n")
SIZES = re.compile(rb"(?m)^(sizes: |DimSize = ).*$")
LENGTH = re.compile(rb"(?m)^(CompressedDataSize = ).*$")
DATA_FILE = re.compile(rb"(?m)^(?:data file: |ElementDataFile = (?!LOCAL))(.*)$")


def insert_frames(path: Path, size: tuple[int, ...], labels: LabelFrames) -> None:
    """Replace the pixels of a compressed file, and the sizes that its header tells.

    Args:
        path: file that SimpleITK wrote with the same geometry, and fewer frames.
        size: (x, y, ...) of all frames.
        labels: frames (H, W), of the type that the header names.

    Raises:
        OSError: When the file cannot be written.
    """
    is_nrrd = path.suffix.lower() in (".nrrd", ".nhdr")
    pattern, bits, level = (NRRD_END, GZIP, 6) if is_nrrd else (META_END, ZLIB, 2)  # levels are those of ITK
    content = path.read_bytes()
    end = pattern.search(content)
    header = content if end is None else content[: end.end()]
    header = SIZES.sub(lambda found: found[1] + " ".join(map(str, size)).encode(), header)
    with tempfile.TemporaryFile(dir=path.parent) as packed:
        length = _compress(labels, packed, bits, level)
        packed.seek(0)
        path.write_bytes(LENGTH.sub(lambda found: found[1] + str(length).encode(), header))
        named = DATA_FILE.search(header)
        with path.with_name(named[1].decode()).open("wb") if named else path.open("ab") as file:
            shutil.copyfileobj(packed, file)


def _compress(frames: LabelFrames, file: IO[bytes], bits: int, level: int) -> int:
    """Write compressed pixels; return their bytes."""
    packer, length = zlib.compressobj(level=level, wbits=bits), 0
    for frame in frames:
        length += file.write(packer.compress(frame.tobytes()))
    return length + file.write(packer.flush())
