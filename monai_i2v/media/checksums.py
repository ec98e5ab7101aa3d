# SPDX-License-Identifier: Apache-2.0
"""Zipped data end with a checksum, which nibabel and SimpleITK do not look at: a mask with wrong bytes would be read.

Each check reads the data to their end, a piece at a time, and raises one of `CHECKSUM_ERRORS` when they are damaged.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO

__all__ = ["CHECKSUM_ERRORS", "check_gzip", "check_metaimage", "check_nrrd", "read_fields"]

CHECKSUM_ERRORS = (OSError, EOFError, ValueError, zlib.error)
PIECE = 1 << 20  # bytes at a time


def check_gzip(file: BinaryIO) -> None:
    """Check gzip data from the present position on; each of several parts has its own checksum."""
    with gzip.GzipFile(fileobj=file) as unzipped:
        while unzipped.read(PIECE):
            pass


def check_metaimage(path: Path) -> None:
    """Check an MHA file, or the data of an MHD file, where they are compressed (by zlib).

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np, SimpleITK
        >>> from monai_i2v.media.checksums import check_metaimage
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.mha")
        ...     SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.ones((4, 4), np.uint8)), path, useCompression=True)
        ...     check_metaimage(path)
        ...     _ = path.write_bytes(path.read_bytes()[:-1] + b"!")
        ...     check_metaimage(path)
        Traceback (most recent call last):
        zlib.error: Error -3 while decompressing data: incorrect data check
    """
    with path.open("rb") as file:
        fields = read_fields(file, b"=", last=b"elementdatafile")
        if fields.get(b"compresseddata", b"")[:1] not in (b"t", b"1"):  # as ITK does
            return
        data = path.parent / fields.get(b"elementdatafile", b"").decode()
        if data.name.lower() == "local":
            size = int(fields.get(b"compresseddatasize", b"0"))  # ITK needs it to find them
            if _check_zlib(file) > size:
                raise ValueError(f"the compressed data have more than {size} bytes")
        elif data.is_file():  # else it is a list or a pattern of files
            with data.open("rb") as other:
                _check_zlib(other)


def check_nrrd(path: Path) -> None:
    """Check an NRRD file, or the data file that it names, where they are compressed (by gzip)."""
    with path.open("rb") as file:
        fields = read_fields(file, b":", last=b"")
        if fields.get(b"encoding") not in (b"gzip", b"gz") or {b"line skip", b"byte skip"} & set(fields):
            return
        name = fields.get(b"data file", fields.get(b"datafile"))
        if name is None:
            check_gzip(file)
        elif (data := path.parent / name.decode()).is_file():
            with data.open("rb") as other:
                check_gzip(other)


def read_fields(file: BinaryIO, separator: bytes, last: bytes) -> dict[bytes, bytes]:
    """Names and values of a text header, which ends with the field (or the empty line) `last`."""
    fields = {}
    for line in iter(lambda: file.readline(PIECE), b""):
        name, _, value = line.partition(separator)
        name = name.strip().lower()
        fields[name] = (
            value.strip() if name in (b"elementdatafile", b"data file", b"datafile") else value.strip().lower()
        )
        if name == last:
            break
    return fields


def _check_zlib(file: BinaryIO) -> int:
    """Check zlib data from the present position on, and count their bytes."""
    begin = file.tell()
    decoder = zlib.decompressobj()
    rest = b""
    while not decoder.eof:
        rest = rest or file.read(PIECE)
        if not rest:
            raise EOFError("the compressed data end early")
        decoder.decompress(rest, PIECE)
        rest = decoder.unconsumed_tail
    return file.tell() - begin - len(decoder.unused_data)
