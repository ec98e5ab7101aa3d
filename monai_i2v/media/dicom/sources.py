# SPDX-License-Identifier: Apache-2.0
"""Where the frames of a DICOM recording are kept, so that others can refer to them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydicom import Dataset

from monai_i2v.media.video import SourceFrame

__all__ = ["source_frames"]

logger = logging.getLogger(__name__)

UIDS = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")


def source_frames(frames: Sequence[tuple[Path, int]], headers: Mapping[Path, Dataset]) -> tuple[SourceFrame, ...]:
    """SOP instance and number of each frame; () for files without the UIDs that a reference needs, which is logged.

    Args:
        frames: file and number in the file, from 0, of each frame.
        headers: what `read_header` gives, by file.

    Example::

        >>> from pathlib import Path
        >>> from pydicom.examples import get_path
        >>> from monai_i2v.media.dicom.header import read_header
        >>> from monai_i2v.media.dicom.sources import source_frames
        >>> path = Path(get_path("ybr_color"))
        >>> source_frames([(path, 29)], {path: read_header(path)})[0].number
        30
    """
    if not all(header.get(keyword) for header in headers.values() for keyword in UIDS):
        logger.warning("The DICOM files lack UIDs, so that no segmentation can refer to them.")
        return ()
    sources = tuple(SourceFrame(path, str(headers[path].SOPInstanceUID), number + 1) for path, number in frames)
    if len({(source.instance, source.number) for source in sources}) < len(sources):
        logger.warning("The DICOM files share UIDs, so that no segmentation can refer to one of them.")
        return ()
    return sources
