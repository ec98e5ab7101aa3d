# SPDX-License-Identifier: Apache-2.0
"""DICOM recordings: one multi-frame file, or a series of single-frame files, by pydicom."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels import get_decoder, iter_pixels
from pydicom.uid import UID, MPEGTransferSyntaxes

from monai_i2v.errors import UsageError
from monai_i2v.media.dicom.calibration import calibrate
from monai_i2v.media.dicom.frame_rate import frame_time_of, frame_times_of
from monai_i2v.media.dicom.header import DICOM_ERRORS, has_pictures, read_dicom, read_header
from monai_i2v.media.dicom.intensities import is_padding, to_intensities
from monai_i2v.media.dicom.moment import moment_of
from monai_i2v.media.dicom.order import check_one_slice, find_order
from monai_i2v.media.dicom.palette import Palette, read_palette
from monai_i2v.media.dicom.pixel_data import PixelData, find_pixel_data
from monai_i2v.media.dicom.sources import source_frames
from monai_i2v.media.dicom.window import Window, window_of
from monai_i2v.media.intensity_window import find_window, sample_frames, sample_indices
from monai_i2v.media.movie import Movie
from monai_i2v.media.quiet import quiet
from monai_i2v.media.video import FrameError, Video, VideoInfo, scale

__all__ = ["DicomCine", "open_dicom_file"]

logger = logging.getLogger(__name__)

DECODERS = "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"


class DicomCine(Video):
    """Frames of one DICOM file, or of one file each.

    Gray frames are in the units of the modality (after each frame's own rescale slope and intercept, or table), colors
    are RGB. Each gray frame is shown with its own window or table; where a file has none, or one in which nothing is
    seen, as `find_window` says, without padding.

    Args:
        path: file or folder that was opened.
        frames: stored frames of each file, and number among them, of each frame, in order.
        frame_time: mean seconds from one frame to the next, None when unknown.
        frame_times: seconds of each frame, see `VideoInfo`.

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
        frames: Sequence[tuple[PixelData, int]],
        *,
        frame_time: float | None,
        frame_times: Sequence[float] = (),
    ) -> None:
        self._frames = tuple(frames)
        self._palettes: dict[Path, Palette] = {}
        first = frames[0][0].header
        headers = {data.path: data.header for data, _ in frames}
        places = [(data.path, number) for data, number in frames]
        spacing, region = calibrate(places, headers)
        super().__init__(
            VideoInfo(
                *(str(path), "dicom", len(frames), int(first.Rows), int(first.Columns), frame_time, spacing, region),
                sources=source_frames(places, headers),
                frame_times=tuple(frame_times),
            )
        )
        self._windows: list[Window | None] = [None] * len(frames)
        self._check_decoding()
        self._windows = self._find_windows()
        own = self._windows[0]
        self.window = (own.low, own.high) if own else find_window(sample_frames(self, self._read_measured))
        if first.PhotometricInterpretation == "MONOCHROME1":
            self.window = (self.window[1], self.window[0])

    def read(self, index: int) -> np.ndarray:
        data, number = self._frames[index]
        pixels = self._decode(index)
        if data.photometric == "PALETTE COLOR":
            return self._palette(index)(pixels)
        if pixels.ndim == 3:
            return pixels[..., :3]  # a fourth sample is opacity
        return to_intensities(pixels, data.header, number)[..., None]

    def display(self, index: int, pixels: np.ndarray) -> np.ndarray:
        window, is_inverted = self._windows[index], self._frames[index][0].photometric == "MONOCHROME1"
        if window is None:
            return super().display(index, pixels)
        if window.is_linear:
            return scale(pixels, (window.high, window.low) if is_inverted else (window.low, window.high))
        shades = window(pixels).astype(np.float32)
        return 1 - shades if is_inverted else shades

    def _palette(self, index: int) -> Palette:
        data = self._frames[index][0]
        if data.path not in self._palettes:
            try:
                self._palettes[data.path] = read_palette(data.header)
            except DICOM_ERRORS as error:
                raise self._damage(index) from error
        return self._palettes[data.path]

    def _decode(self, index: int) -> np.ndarray:
        """Stored numbers (H, W), or colors (H, W, C)."""
        data, number = self._frames[index]
        try:
            with quiet("pydicom"):
                return next(iter_pixels(data.frame(number)))
        except DICOM_ERRORS as error:
            raise self._damage(index) from error

    def _read_measured(self, index: int) -> np.ndarray:
        """Values of a frame, in any order, without padding."""
        data, number = self._frames[index]
        frame = self.read(index)
        if frame.shape[2] > 1:
            return frame
        return frame[..., 0][~is_padding(self._decode(index), data.header, number)]

    def _find_windows(self) -> list[Window | None]:
        """Window of each frame: None without one, for colors, and for all where they show nothing of a sample."""
        nothing: list[Window | None] = [None] * len(self)
        if "MONOCHROME" not in self._frames[0][0].photometric:
            return nothing
        windows = [window_of(data.header, number) for data, number in self._frames]
        sample = [index for index in sample_indices(len(self)) if windows[index]]
        if sample and not any(self._shows_something(index, windows[index]) for index in sample):
            logger.warning("The DICOM header has a window in which nothing is seen; one of the pixels is taken.")
            return nothing
        return windows

    def _shows_something(self, index: int, window: Window | None) -> bool:
        """Whether a window tells pixels of a frame apart, or there are none to be told apart."""
        try:
            values = self._read_measured(index)
        except FrameError:
            return False
        return window is None or not values.size or np.ptp(values) == 0 or bool(np.ptp(window(values)) > 0)

    def _damage(self, index: int) -> FrameError:
        return FrameError(
            f"frame {index} of {self._frames[index][0].path.name} cannot be decoded; expected undamaged pixel data; "
            "export it again."
        )

    def _check_decoding(self) -> None:
        syntax = self._frames[0][0].header.file_meta.TransferSyntaxUID
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

    Frames are in the order in time that the file tells.

    Raises:
        UsageError: When the file is not DICOM, has no pictures or several slices, or cannot be decoded.
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
    _check_decoder(str(path), header.file_meta.TransferSyntaxUID)
    data = find_pixel_data(path, header)
    moments = [moment_of(header, number) for number in range(data.length)]
    check_one_slice(str(path), moments, "export one slice (view, kind of picture) by itself.")
    order = find_order(moments)
    times = order.times or frame_times_of(header, data.length)
    frames = [(data, number) for number in order.ranks]
    return DicomCine(path, frames, frame_time=frame_time_of(header), frame_times=times)


def _open_film(path: Path, header: Dataset) -> Movie:
    try:
        with quiet("pydicom"):
            content = next(generate_frames(read_dicom(path).PixelData, number_of_frames=1))
    except (*DICOM_ERRORS, StopIteration) as error:
        raise UsageError(
            f"{path} holds a film that cannot be read; it is damaged or cut off; export it again."
        ) from error
    film = Movie(path, content)
    frames = [(path, number) for number in range(len(film))]
    spacing, region = calibrate(frames, {path: header})
    told = frame_time_of(header)
    film.info = replace(
        film.info,
        kind="dicom",
        frame_time=told or film.info.frame_time,
        frame_times=frame_times_of(header, len(film)) or (() if told else film.info.frame_times),
        spacing=spacing,
        region=region,
        sources=source_frames(frames, {path: header}),
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
