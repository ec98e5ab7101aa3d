# SPDX-License-Identifier: Apache-2.0
"""Small files of every kind, as bytes, and what can happen to them."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import zlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import nibabel as nib
import numpy as np
import SimpleITK as sitk  # noqa: N813
import torch
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, UltrasoundMultiFrameImageStorage
from torch import nn

from monai_i2v.session import VideoSession

LENGTH, HEIGHT, WIDTH = 12, 32, 48


class Copy(nn.Module):
    """A segmenter that copies the first mask; with weights, so that it can be loaded."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Conv2d(1, 1, 1)
        nn.init.ones_(self.gain.weight)
        nn.init.zeros_(self.gain.bias)

    def start(self, frame, masks):
        return self.gain(masks.transpose(0, 1)).transpose(0, 1)

    def step(self, frame, state):
        return state, state


def draw_frames(length: int = LENGTH, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """A bright square that moves over a ramp, (T, H, W) uint8."""
    rows, columns = np.indices(size)
    frames = (2 * rows + columns + 5 * np.arange(length)[:, None, None]) % 120
    for index, frame in enumerate(frames):
        left = (8 + index) % size[1]
        frame[size[0] // 4 : size[0] // 2 + 1, left : left + max(size[1] // 4, 1)] += 120
    return frames.astype(np.uint8)


def draw_mask(size: tuple[int, int] = (HEIGHT, WIDTH), labels: Sequence[int] = (1, 7)) -> np.ndarray:
    """A label map (H, W): upright stripes of the labels in the upper half, uint8 or as needed."""
    mask = np.zeros(size, np.min_scalar_type(max(labels)))
    for columns, label in zip(np.array_split(np.arange(size[1]), len(labels) + 1)[1:], labels, strict=True):
        mask[: (size[0] + 1) // 2, columns] = label
    if size[1] == 1:
        mask[0, 0] = labels[0]
    return mask


def movie(
    path: Path,
    frames: np.ndarray | None = None,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    times: Sequence[int] | None = None,
    change: Callable[[Any], object] | None = None,
    muxing: dict[str, str] | None = None,
) -> Path:
    """A movie, gray frames (T, H, W) in a codec and pixel format; `change` sets up the stream."""
    frames = draw_frames() if frames is None else frames
    with av.open(str(path), "w", options=muxing or {}) as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt = pixels
        stream.codec_context.thread_count = 1  # more of them make other bytes more often
        if change is not None:
            change(stream)
        container.start_encoding()
        for index, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(np.repeat(frame[..., None], 3, axis=2), "rgb24")
            picture.pts = times[index] if times else index
            picture.time_base = Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def dicom(path: Path, frames: np.ndarray | None = None, *, rle: bool = False, **elements: Any) -> Path:
    """A multi-frame DICOM file, plain or run-length encoded."""
    frames = draw_frames() if frames is None else frames
    file = Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    file.SOPInstanceUID = file.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    file.SeriesInstanceUID = "1.2.3"
    file.PatientName = "Secret^Name"
    file.FrameTime = "40"
    file.NumberOfFrames, file.Rows, file.Columns = frames.shape
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated = file.BitsStored = 8 * frames.dtype.itemsize
    file.HighBit, file.PixelRepresentation = file.BitsStored - 1, int(frames.dtype.kind == "i")
    file.PixelData = frames.tobytes() + b"\0" * (frames.nbytes % 2)
    file["PixelData"].VR = "OW" if frames.dtype.itemsize == 2 else "OB"
    if rle:
        file.compress(RLELossless, generate_instance_uid=False)
    for keyword, value in elements.items():
        setattr(file, keyword, value)
    file.save_as(path, enforce_file_format=True)
    return path


def nifti(path: Path, frames: np.ndarray | None = None) -> Path:
    """NIfTI (x, y, time) of frames (T, H, W); zipped without a time, so that its bytes stay the same."""
    frames = draw_frames() if frames is None else frames
    content = nib.Nifti1Image(frames.transpose(2, 1, 0), np.diag([0.5, 0.5, 1, 1])).to_bytes()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


def itk(path: Path, frames: np.ndarray | None = None, *, zipped: bool = True) -> Path:
    """MHD, MHA or NRRD."""
    frames = draw_frames() if frames is None else frames
    sitk.WriteImage(sitk.GetImageFromArray(frames, isVector=False), path, useCompression=zipped)
    return path


def picture(path: Path, pixels: np.ndarray | None = None) -> Path:
    """A PNG, JPG ... of pixels (H, W)."""
    Image.fromarray(draw_frames(1)[0] if pixels is None else pixels).save(path)
    return path


def checkpoint(path: Path, **changes: Any) -> Path:
    """Weights of the network that copies masks."""
    state = {"gain.weight": torch.ones(1, 1, 1, 1), "gain.bias": torch.zeros(1), **changes}
    torch.save({"model": state}, path)
    return path


def datalist(path: Path) -> Path:
    """A list of one video."""
    path.write_text(json.dumps({"videos": [{"video": "video.mha", "ref_mask": "mask.png", "name": "listed"}]}))
    return path


def session(path: Path) -> Path:
    """A session in which two objects are drawn in the first frame, and found in all."""
    made = VideoSession(Copy(), frames_of_a_session(), size=None)
    made.annotate(0, draw_mask())
    for _ in made.propagate():
        pass
    made.save(path)
    return path


def frames_of_a_session() -> torch.Tensor:
    """Its video (T, C, H, W)."""
    return torch.from_numpy(draw_frames()).unsqueeze(1).expand(-1, 3, -1, -1) / 255


WRITERS: dict[str, Callable[[Path], Path]] = {
    "video.mp4": movie,
    "faststart.mp4": lambda path: movie(path, muxing={"movflags": "faststart"}),
    "video.avi": lambda path: movie(path, codec="mpeg4"),
    "video.mkv": lambda path: movie(path, codec="ffv1"),
    "video.dcm": dicom,
    "rle.dcm": lambda path: dicom(path, rle=True),
    "video.nii.gz": nifti,
    "video.mha": itk,
    "video.nrrd": itk,
    "frame.png": picture,
    "frame.jpg": picture,
    "mask.png": lambda path: picture(path, draw_mask()),
    "mask.nii.gz": lambda path: nifti(path, draw_mask()[None]),
    "list.json": datalist,
    "weights.pt": checkpoint,
    "saved.session": session,
}


@lru_cache
def content(name: str) -> bytes:
    """A good file of this name."""
    with tempfile.TemporaryDirectory() as folder:
        return WRITERS[name](Path(folder, name)).read_bytes()


def truncated(good: bytes, tenths: int) -> bytes:
    """The first tenths of a file."""
    return good[: len(good) * tenths // 10]


def flipped(good: bytes, seed: int, part: slice, count: int = 4) -> bytes:
    """A file with some bytes of a part replaced by others."""
    rng = np.random.default_rng(seed)
    damaged = bytearray(good)
    places = range(len(good))[part]
    for place in rng.choice(places, count):
        damaged[place] ^= int(rng.integers(1, 256))
    return bytes(damaged)


def png_of_size(side: int) -> bytes:
    """A PNG that claims to be large, with few pixels in it."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    head = side.to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    body = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def as_jpeg(pixels: np.ndarray) -> bytes:
    """A JPEG of gray pixels (H, W)."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()
