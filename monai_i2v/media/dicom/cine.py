# SPDX-License-Identifier: Apache-2.0
"""DICOM recordings: one multi-frame file, or a series of single-frame files, by pydicom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames
from pydicom.pixels import apply_color_lut, apply_modality_lut, get_decoder, iter_pixels
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, MPEGTransferSyntaxes

from monai_i2v.errors import UsageError
from monai_i2v.media.dicom.header import (
    DICOM_ERRORS,
    frame_time_of,
    has_pictures,
    read_header,
    region_of,
    spacing_of,
    window_of,
)
from monai_i2v.media.dicom.sources import source_frames
from monai_i2v.media.intensity_window import find_window, sample_frames
from monai_i2v.media.movie import Movie
from monai_i2v.media.quiet import quiet
from monai_i2v.media.video import FrameError, Video, VideoInfo

__all__ = ["DicomCine", "open_dicom_file"]

DECODERS = "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"


class DicomCine(Video):
    """Frames of one DICOM file, or of one file each.

    Gray frames are in the units of the modality (after rescale slope and intercept), colors are 8 bit RGB.
    The window is the file's own, else [0, 255] for 8 bit, else the range of a sample of frames.

    Args:
        path: file or folder that was opened.
        frames: file and number in the file of each frame, in order.
        headers: what `read_header` gives, one per file.
        frame_time: seconds from one frame to the next, None when unknown.

    Raises:
        UsageError: When a decoder is missing, or the first or last frame cannot be decoded.

    Example::

        >>> from pathlib import Path
        >>> from pydicom.examples import get_path
        >>> from monai_i2v.media.dicom.cine import open_dicom_file
        >>> cine = open_dicom_file(Path(get_path("ybr_color")))
        >>> len(cine), cine.read(29).shape, cine.info.frame_time
        (30, (240, 320, 3), 0.033333)
    """

    def __init__(
        self,
        path: Path,
        frames: Sequence[tuple[Path, int]],
        *,
        headers: dict[Path, Dataset],
        frame_time: float | None,
    ) -> None:
        self._frames, self._headers = tuple(frames), headers
        self._inflated: tuple[Path, Dataset] | None = None
        header = headers[frames[0][0]]
        height, width = int(header.Rows), int(header.Columns)
        info = VideoInfo(str(path), "dicom", len(frames), height, width, frame_time, spacing_of(header))
        super().__init__(replace(info, region=region_of(header), sources=source_frames(frames, headers)))
        self._check_decoding()
        if "MONOCHROME" in header.PhotometricInterpretation:
            low, high = window_of(header) or find_window(sample_frames(self))
            self.window = (high, low) if header.PhotometricInterpretation == "MONOCHROME1" else (low, high)

    def read(self, index: int) -> np.ndarray:
        path, number = self._frames[index]
        try:
            with quiet("pydicom"):
                return _to_intensities(next(iter_pixels(self._file(path), indices=[number])), self._headers[path])
        except DICOM_ERRORS as error:
            raise FrameError(
                f"frame {index} of {path.name} cannot be decoded; expected undamaged pixel data; export it again."
            ) from error

    def _file(self, path: Path) -> Path | Dataset:
        """What pydicom takes frames from; it does not find them in a deflated file, which is read as a whole."""
        if self._headers[path].file_meta.TransferSyntaxUID != DeflatedExplicitVRLittleEndian:
            return path
        if self._inflated is None or self._inflated[0] != path:
            self._inflated = (path, dcmread(path))
        return self._inflated[1]

    def _check_decoding(self) -> None:
        syntax = self._headers[self._frames[0][0]].file_meta.TransferSyntaxUID
        _check_decoder(self.info.path, syntax)
        for index in (0, len(self) - 1):
            try:
                self.read(index)
            except FrameError as error:
                raise UsageError(
                    f"frame {index} of {self.info.path} (frames 0 to {len(self) - 1}) cannot be decoded; it "
                    f"is damaged, cut off, or a rare kind of {syntax.name!r}; export it again"
                    + (f", or run '{DECODERS}'." if syntax.is_encapsulated else ".")
                ) from error


def open_dicom_file(path: Path) -> Video:
    """Open one DICOM file: the frames that it holds, or the film inside it (MPEG-2, MPEG-4, HEVC).

    Raises:
        UsageError: When the file is not DICOM, has no pictures, or cannot be decoded.
    """
    header = read_header(path)
    if not has_pictures(header):
        raise UsageError(
            f"{path} is a DICOM file without pictures, as reports and DICOMDIR are; choose one with images."
        )
    if header.file_meta.TransferSyntaxUID in MPEGTransferSyntaxes:
        return _open_film(path, header)
    length = int(header.get("NumberOfFrames") or 1)
    if not 1 <= length <= path.stat().st_size:
        raise UsageError(
            f"{path} claims to hold {length} frames, expected 1 or more that fit into it; it is damaged or cut off; "
            "export it again."
        )
    frames = [(path, number) for number in range(length)]
    return DicomCine(path, frames, headers={path: header}, frame_time=frame_time_of(header))


def _open_film(path: Path, header: Dataset) -> Movie:
    try:
        with quiet("pydicom"):
            content = next(generate_frames(dcmread(path).PixelData, number_of_frames=1))
    except (*DICOM_ERRORS, StopIteration) as error:
        raise UsageError(
            f"{path} holds a film that cannot be read; it is damaged or cut off; export it again."
        ) from error
    film = Movie(path, content)
    film.info = replace(
        film.info,
        kind="dicom",
        frame_time=frame_time_of(header) or film.info.frame_time,
        spacing=spacing_of(header),
        region=region_of(header),
        sources=source_frames([(path, number) for number in range(len(film))], {path: header}),
    )
    return film


def _check_decoder(path: str, syntax: UID) -> None:
    try:
        with quiet("pydicom"):
            is_available = get_decoder(syntax).is_available
        if is_available:
            return
        problem, advice = "no decoder is installed", f"run '{DECODERS}', or export it uncompressed"
    except NotImplementedError:
        problem, advice = "there is no decoder", "export it uncompressed, or as JPEG"
    raise UsageError(f"{path} is stored as {syntax.name!r}, for which {problem}; {advice}.")


def _to_intensities(pixels: np.ndarray, header: Dataset) -> np.ndarray:
    if header.PhotometricInterpretation == "PALETTE COLOR":
        colors = apply_color_lut(pixels, header)
        return (colors >> 8).astype(np.uint8) if colors.dtype == np.uint16 else colors
    if pixels.ndim == 3:
        return pixels[..., :3]  # a fourth sample is opacity
    return apply_modality_lut(pixels, header)[..., None]
