# SPDX-License-Identifier: Apache-2.0
"""Masks with odd values, sizes, lengths and types."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from fault import Fault, Given, Make
from media import HEIGHT, LENGTH, WIDTH, as_jpeg, content, dicom, draw_frames, draw_mask, itk, nifti, picture
from PIL import Image

MASK = draw_mask()


SERIES = np.stack([MASK] * LENGTH)
REAL = MASK[None].astype(np.float32)


def of(name: str, pixels: np.ndarray, video: str = "video.mha", **given: Any) -> Make:
    """A video and a mask of these pixels, (H, W) for pictures and (T, H, W) for volumes."""

    def make(folder: Path) -> Given:
        (folder / video).write_bytes(content(video))
        write = picture if name.endswith(".png") else nifti if ".nii" in name else itk
        return {"video": folder / video, "ref_mask": write(folder / name, pixels), **given}

    return make


def labels() -> Iterator[Fault]:
    """Values."""
    for value in (1, 255, 256, 65535):
        yield Fault("Labels", f"{value}, PNG, volume", of("mask.png", draw_mask(labels=[value])))
        yield Fault("Labels", f"{value}, PNG, movie", of("mask.png", draw_mask(labels=[value]), "video.mp4"))
    for value in (256, 70000, 2**31 - 1):
        mask = draw_mask(labels=[1, value])[None].astype(np.int32)
        yield Fault("Labels", f"1 and {value}, NIfTI, volume", of("mask.nii.gz", mask))
        yield Fault("Labels", f"1 and {value}, MHA, movie", of("mask.mha", mask, "video.mp4"))
    yield Fault(
        "Labels", "64 objects", of("mask.png", draw_mask(labels=range(1, 65), size=(HEIGHT, WIDTH * 2))[:, :WIDTH])
    )
    yield Fault("Labels", "3,000 objects", many_objects)
    yield Fault(
        "Labels", "one pixel", of("mask.png", np.eye(1, HEIGHT * WIDTH, 77, dtype=np.uint8).reshape(HEIGHT, WIDTH))
    )
    yield Fault("Labels", "the whole frame", of("mask.png", np.ones_like(MASK)))
    yield Fault("Labels", "none", of("mask.png", 0 * MASK))
    yield Fault(
        "Labels",
        "none in the reference frame",
        of("mask.nii.gz", np.where(np.arange(LENGTH)[:, None, None] == 3, 0, SERIES), ref_frame=3),
    )
    yield Fault("Labels", "negative", of("mask.nii.gz", -MASK[None].astype(np.int16)))
    yield Fault("Labels", "2^40", of("mask.mha", MASK[None].astype(np.int64) * 2**40))
    yield Fault("Labels", "fractions", of("mask.nii.gz", REAL / 2))
    yield Fault("Labels", "NaN as background", of("mask.nii.gz", np.where(REAL, REAL, np.nan)))
    yield Fault("Labels", "infinite", of("mask.mha", np.where(REAL, np.inf, REAL)))
    yield Fault("Labels", "complex", of("mask.nii.gz", REAL.astype(np.complex64)))
    yield Fault("Labels", "whole numbers stored as float", of("mask.nii.gz", REAL))


def sizes() -> Iterator[Fault]:
    """Sizes, lengths and references."""
    yield Fault("Masks", "one row too few", of("mask.png", MASK[1:]))
    yield Fault("Masks", "transposed", of("mask.png", np.ascontiguousarray(MASK.T)))
    yield Fault("Masks", "1 x 1 px", of("mask.png", np.ones((1, 1), np.uint8)))
    yield Fault("Masks", "8192 px wide", of("mask.png", draw_mask((16, 8192))))
    yield Fault("Masks", "one per frame", of("mask.nii.gz", SERIES, ref_frame=5))
    yield Fault("Masks", "one frame too many", of("mask.nii.gz", np.stack([MASK] * 13)))
    yield Fault("Masks", "two frames", of("mask.mha", np.stack([MASK] * 2)))
    yield Fault("Masks", "of a volume with slices and time", slices_and_time)
    yield Fault("Masks", "reference 12 of 12", of("mask.png", MASK, ref_frame=12))
    yield Fault("Masks", "reference -1", of("mask.png", MASK, ref_frame=-1))
    yield Fault("Masks", "reference 10^30", of("mask.png", MASK, ref_frame=10**30))
    yield Fault("Masks", "reference 'last'", of("mask.png", MASK, ref_frame="last"))
    yield Fault("Masks", "reference 1.0", of("mask.png", MASK, ref_frame=1.0))
    yield Fault("Masks", "the last frame's", of("mask.png", MASK, ref_frame=11))
    yield Fault("Masks", "the middle frame's", of("mask.png", MASK, "video.mp4", ref_frame=6))


def many_objects(folder: Path) -> Given:
    itk(folder / "video.mha", draw_frames(size=(64, 48)))
    picture(folder / "mask.png", (np.arange(64 * 48) % 3001).reshape(64, 48).astype(np.uint16))
    return {"video": folder / "video.mha", "ref_mask": folder / "mask.png"}


def slices_and_time(folder: Path) -> Given:
    (folder / "video.mha").write_bytes(content("video.mha"))
    itk(folder / "mask.nrrd", np.stack([np.stack([MASK] * 3)] * 4))
    return {"video": folder / "video.mha", "ref_mask": folder / "mask.nrrd"}


def kinds() -> Iterator[Fault]:
    """Files that are no label maps."""

    def beside(name: str, write: Callable[[Path], object]) -> Make:
        def make(folder: Path) -> Given:
            (folder / "video.mha").write_bytes(content("video.mha"))
            write(folder / name)
            return {"video": folder / "video.mha", "ref_mask": folder / name}

        return make

    color = np.dstack([MASK * 30, MASK * 20, MASK])
    yield Fault("Masks", "a JPEG", beside("mask.jpg", lambda path: path.write_bytes(as_jpeg(MASK * 30))))
    yield Fault("Masks", "a JPEG called PNG", beside("mask.png", lambda path: path.write_bytes(as_jpeg(draw_noise()))))
    yield Fault("Masks", "in colors", beside("mask.png", lambda path: Image.fromarray(color).save(path)))
    yield Fault(
        "Masks", "gray in RGBA", beside("mask.png", lambda path: Image.fromarray(MASK).convert("RGBA").save(path))
    )
    yield Fault("Masks", "black and white", beside("mask.png", lambda path: Image.fromarray(MASK > 0).save(path)))
    yield Fault("Masks", "a DICOM file", beside("mask.dcm", lambda path: dicom(path, MASK[None])))
    yield Fault("Masks", "a movie", beside("mask.mp4", lambda path: path.write_bytes(content("video.mp4"))))
    yield Fault("Masks", "a text", beside("mask.txt", lambda path: path.write_text("1 0 0 1")))
    yield Fault("Masks", "a folder without pictures", beside("masks", lambda path: path.mkdir()))
    yield Fault("Masks", "a folder of 12", beside("masks", lambda path: folder_of(path, LENGTH)))
    yield Fault("Masks", "a folder of 5", beside("masks", lambda path: folder_of(path, 5)))
    yield Fault("Masks", "no such file", lambda folder: {"ref_mask": folder / "no.png"} | video(folder))


def video(folder: Path) -> Given:
    (folder / "video.mha").write_bytes(content("video.mha"))
    return {"video": folder / "video.mha"}


def draw_noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH), np.uint8)


def folder_of(path: Path, count: int) -> None:
    path.mkdir()
    for index in range(count):
        picture(path / f"{index}.png", MASK)
