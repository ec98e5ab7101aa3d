# SPDX-License-Identifier: Apache-2.0
"""A phantom as benchmarks read clips: a folder of frames and one of masks."""

from pathlib import Path

from PIL import Image

from monai_i2v.phantoms import Phantom


def write_clip(phantom: Phantom, folder: Path) -> None:
    """Write ``frames/*.jpg`` and ``masks/*.png``."""
    for kind, read, suffix in (("frames", phantom.read, "jpg"), ("masks", phantom.label_map, "png")):
        (folder / kind).mkdir(parents=True)
        for index in range(len(phantom)):
            Image.fromarray(read(index)).save(folder / kind / f"{index:05d}.{suffix}")
