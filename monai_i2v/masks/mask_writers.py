# SPDX-License-Identifier: Apache-2.0
"""Label maps out, in the format family and the geometry of the video that they belong to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.files.packed_frames import PackedFrames
from monai_i2v.masks.palette import png_palette
from monai_i2v.masks.png_masks import MAX_INDEX, save_png_labels
from monai_i2v.media.frame_folder import FrameFolder
from monai_i2v.media.nifti import save_new_nifti
from monai_i2v.media.video import Video, VideoInfo
from monai_i2v.media.volume_files import save_labels_like

if TYPE_CHECKING:
    from monai_i2v.masks.dicom_seg_writer import DicomSegWriter

__all__ = ["MaskWriter", "open_mask_writer"]


class MaskWriter(ABC):
    """Takes label maps in any order; frames that are never written are 0. A context manager.

    Args:
        folder: existing folder to write into.
        info: facts about the video that the masks belong to.
    """

    def __init__(self, folder: Path, info: VideoInfo) -> None:
        self.folder = folder
        self.info = info

    def write(self, index: int, labels: np.ndarray) -> None:
        """Take the label map of one frame.

        Args:
            index: frame of the video, from 0.
            labels: (H, W) integers, 0 for background; kept exactly.

        Raises:
            ValueError: When index, shape or values do not fit.
            UsageError: When the file cannot be written, or its format cannot hold a label.
        """
        if not 0 <= index < self.info.length or labels.shape != (self.info.height, self.info.width):
            raise ValueError(
                f"index and shape must fit a video of {self.info.length} frames of "
                f"{self.info.height} x {self.info.width}, got frame {index} of shape {labels.shape}."
            )
        if labels.dtype.kind not in "biu" or labels.min(initial=0) < 0:
            raise ValueError(f"labels must be integers from 0, got {labels.dtype} from {labels.min()}.")
        with _explain_os_errors(self.folder):
            self._write(index, labels)

    def close(self) -> None:
        """Complete the files.

        Raises:
            UsageError: When they cannot be written.
        """
        with _explain_os_errors(self.folder):
            self._close()

    def __enter__(self) -> MaskWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()

    @abstractmethod
    def _write(self, index: int, labels: np.ndarray) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...


def open_mask_writer(
    folder: Path, video: Video, labels: Sequence[int] | None = None, *, anonymize: bool = False
) -> MaskWriter:
    """Choose the writer for a video.

    A volume gives ``masks.nii.gz`` (or ``.mhd``, ``.mha``, ``.nrrd``) with the shape and geometry of the
    source. A movie gives ``masks/00000.png``, ``masks/00001.png`` ...; a folder of frames gives the same,
    named as its frames. DICOM gives the PNGs, ``masks.nii.gz`` (x, y, time) and the segmentation ``masks.dcm``, which
    refers to the recording and repeats its patient; see `DicomSegWriter`.

    Args:
        folder: existing folder to write into.
        video: the video that the masks belong to.
        labels: all labels that will be written, when known; PNGs then have the colors of `label_colors`.
        anonymize: keep the patient out of ``masks.dcm``, and the names of frames out of those of PNGs.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from PIL import Image
        >>> from monai_i2v.masks.mask_writers import open_mask_writer
        >>> from monai_i2v.media.open_video import open_video
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("L", (40, 30)).save(Path(folder) / "frame_7.png")
        ...     with open_mask_writer(Path(folder), open_video(Path(folder) / "frame_7.png")) as writer:
        ...         writer.write(0, np.full((30, 40), 2))
        ...     [path.name for path in Path(folder).glob("masks/*")]
        ['frame_7.png']
    """
    info = video.info
    if info.kind == "volume":
        return _VolumeWriter(folder, info, partial(save_labels_like, Path(info.path), folder))
    palette = png_palette(labels or range(1, MAX_INDEX + 1))
    png_writer = _PngWriter(folder, info, _frame_numbers(info) if anonymize else _frame_names(video), palette)
    if info.kind != "dicom":
        return png_writer
    save = partial(_save_nifti, folder / "masks.nii.gz", info)
    writers: list[MaskWriter] = [png_writer, _VolumeWriter(folder, info, save)]
    if info.sources:
        from monai_i2v.masks.dicom_seg_writer import DicomSegWriter  # slow to import: it knows all of DICOM's codes

        writers.append(_SegWriter(folder, info, DicomSegWriter(info, labels, anonymize=anonymize)))
    return _WriterGroup(folder, info, writers)


class _VolumeWriter(MaskWriter):
    """Keeps all masks compressed, and saves them in the smallest unsigned type when closed."""

    def __init__(self, folder: Path, info: VideoInfo, save: Callable[[PackedFrames], None]) -> None:
        super().__init__(folder, info)
        self._save = save
        self._masks = PackedFrames(info.length, (info.height, info.width))

    def _write(self, index: int, labels: np.ndarray) -> None:
        self._masks.write(index, labels)

    def _close(self) -> None:
        self._save(self._masks)


class _PngWriter(MaskWriter):
    """Saves each mask at once; after the first label above 255, all of them with 16 bits."""

    def __init__(self, folder: Path, info: VideoInfo, names: Sequence[str], palette: list[int]) -> None:
        super().__init__(folder, info)
        self._names = names
        self._palette = palette
        self._missing = set(range(info.length))
        self._is_indexed = True

    def _write(self, index: int, labels: np.ndarray) -> None:
        (self.folder / "masks").mkdir(exist_ok=True)
        self._is_indexed &= int(labels.max()) <= MAX_INDEX
        path = self.folder / "masks" / f"{self._names[index]}.png"
        save_png_labels(path, labels, self._palette if self._is_indexed else None)
        self._missing.discard(index)

    def _close(self) -> None:
        for index in sorted(self._missing):
            self._write(index, np.zeros((self.info.height, self.info.width), np.uint8))


class _SegWriter(MaskWriter):
    """Saves a DICOM segmentation when closed."""

    def __init__(self, folder: Path, info: VideoInfo, seg: DicomSegWriter) -> None:
        super().__init__(folder, info)
        self._seg = seg

    def _write(self, index: int, labels: np.ndarray) -> None:
        self._seg.add(index, labels)

    def _close(self) -> None:
        self._seg.save(self.folder / "masks.dcm")


class _WriterGroup(MaskWriter):
    """Writes the same masks in several formats."""

    def __init__(self, folder: Path, info: VideoInfo, writers: Sequence[MaskWriter]) -> None:
        super().__init__(folder, info)
        self._writers = writers

    def _write(self, index: int, labels: np.ndarray) -> None:
        for writer in self._writers:
            writer.write(index, labels)

    def _close(self) -> None:
        for writer in self._writers:
            writer.close()


def _frame_names(video: Video) -> list[str]:
    """Names of the source's frames where each has its own, so that pairs match; else numbers."""
    if isinstance(video, FrameFolder):
        stems = [picture.path.stem for picture in video.pictures]
        if len(set(stems)) == len(stems):
            return stems
    return _frame_numbers(video.info)


def _frame_numbers(info: VideoInfo) -> list[str]:
    return [f"{index:05d}" for index in range(info.length)]


def _save_nifti(path: Path, info: VideoInfo, labels: PackedFrames) -> None:
    save_new_nifti(path, labels, info.spacing, info.frame_time)


@contextmanager
def _explain_os_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"masks cannot be written to {folder} ({error.strerror or error}); expected a folder with write "
            "permission and free space; free some space, or choose another folder."
        ) from error
