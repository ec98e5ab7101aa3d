# SPDX-License-Identifier: Apache-2.0
"""Draw the pictures of docs/transforms.md: phantom and pydicom's cine, before and after each transform.

    python benchmarks/transform_gallery.py --output docs

``--output`` gets ``transforms_ultrasound.png`` and ``transforms_endoscopy.png``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from monai.transforms import LoadImage
from PIL import Image, ImageDraw
from pydicom.examples import get_path
from torch import Tensor
from tqdm import tqdm

from monai_i2v.data import VideoReader
from monai_i2v.files.complete_file import complete_file
from monai_i2v.phantoms import Phantom
from monai_i2v.transforms import (
    Deinterlace,
    EndoscopeViewCrop,
    FillSpecularHighlights,
    InverseScanConvert,
    RandAcousticShadow,
    RandColorCast,
    RandGainCompensation,
    RandSpeckle,
    RandVignette,
    RemoveBurntInMarks,
    UltrasoundSectorCrop,
)

FRAME = 4  # that is shown
CELL = (240, 190)  # px
TITLE = 14  # px, height of a line
COLUMNS = 4
COLORS = 96  # of a picture: a hundred grays look like all


def main(argv: Sequence[str] | None = None) -> None:
    """Draw both pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)
    for name, make in tqdm({"ultrasound": ultrasound, "endoscopy": endoscopy}.items(), desc="pictures"):
        with complete_file(args.output / f"transforms_{name}.png") as file:
            draw(make()).save(file, format="png", optimize=True)


def ultrasound() -> dict[str, Tensor]:
    """Clips (C, X, Y, T) by title."""
    cine = LoadImage(reader=VideoReader(), ensure_channel_first=True)(get_path("ybr_color"))
    cropped = UltrasoundSectorCrop()(cine)
    marked, beams = with_marks(cropped), InverseScanConvert()(cropped)
    gain = RandGainCompensation(gain=12, slider=8, prob=1).set_random_state(4)
    shadow = RandAcousticShadow(width=(0.2, 0.2), attenuation=(30, 30), prob=1).set_random_state(1)
    return {
        "a recording": cine,
        "UltrasoundSectorCrop": cropped,
        "with marks": marked,
        "RemoveBurntInMarks": RemoveBurntInMarks()(marked),
        "InverseScanConvert": beams,
        "RandSpeckle": RandSpeckle(strength=(0.7, 0.7), prob=1).set_random_state(0)(cropped),
        "RandGainCompensation": gain(cropped),
        "RandAcousticShadow": shadow(cropped),
    }


def with_marks(clip: Tensor) -> Tensor:
    """A clip (3, X, Y, T) with calipers and their result."""
    layer = Image.new("RGB", (clip.shape[1], clip.shape[2]))
    pen = ImageDraw.Draw(layer)
    ends = (120, 62), (150, 128)
    for x, y in ends:
        pen.line((x - 4, y, x + 4, y), "white")
        pen.line((x, y - 4, x, y + 4), "white")
    for step in torch.linspace(0.1, 0.9, 12).tolist():
        pen.point([round(a + step * (b - a)) for a, b in zip(*ends, strict=True)], "white")
    pen.text((96, 140), "+ 3.14 cm", fill=(255, 220, 60))
    marks = torch.from_numpy(np.array(layer)).permute(2, 1, 0).unsqueeze(-1)  # (3, X, Y, 1)
    return torch.where(marks.amax(dim=0) > 0, marks.to(clip.dtype), clip)


def endoscopy() -> dict[str, Tensor]:
    """Clips (C, X, Y, T) by title."""
    phantom = Phantom("endoscope", length=8, size=(240, 320), objects=2, period=10)
    clip = torch.stack(list(phantom)).permute(1, 3, 2, 0)
    woven = clip.clone()
    woven[:, :, 1::2, :-1] = clip[:, :, 1::2, 1:]  # the bottom field, half a frame later
    crop = EndoscopeViewCrop()
    cropped = crop(clip)
    return {
        "a phantom": clip,
        "EndoscopeViewCrop": cropped,
        "FillSpecularHighlights": FillSpecularHighlights()(cropped),
        "RandVignette": RandVignette(strength=(0.7, 0.7), prob=1).set_random_state(0)(cropped),
        "RandColorCast": RandColorCast(prob=1).set_random_state(1)(cropped),
        "interlaced, enlarged": enlarged(woven),
        "Deinterlace, enlarged": enlarged(Deinterlace()(woven)),
    }


def enlarged(clip: Tensor) -> Tensor:
    """A part of a clip, each pixel three times as wide and high."""
    return clip[:, 155:235, 60:123].repeat_interleave(3, dim=1).repeat_interleave(3, dim=2)


def draw(clips: Mapping[str, Tensor]) -> Image.Image:
    """One frame of each clip, in rows, with its title."""
    rows = -(-len(clips) // COLUMNS)
    picture = Image.new("RGB", (COLUMNS * CELL[0], rows * (CELL[1] + TITLE)), "white")
    pen = ImageDraw.Draw(picture)
    for number, (title, clip) in enumerate(clips.items()):
        x, y = CELL[0] * (number % COLUMNS), (CELL[1] + TITLE) * (number // COLUMNS)
        frame = torch.as_tensor(clip[..., FRAME]).permute(2, 1, 0)  # (Y, X, C)
        pixels = (frame if frame.max() > 1 else 255 * frame).round().byte().numpy()
        shown = Image.fromarray(pixels)
        shown.thumbnail((CELL[0] - 4, CELL[1] - 4))
        pen.text((x + 2, y + 1), title, fill="black")
        picture.paste(shown, (x + 2, y + TITLE))
    return picture.quantize(COLORS, dither=Image.Dither.NONE)


if __name__ == "__main__":
    main()
