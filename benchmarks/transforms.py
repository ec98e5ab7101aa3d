# SPDX-License-Identifier: Apache-2.0
"""How long do transforms take for a whole clip, and how long frame by frame?

    python benchmarks/transforms.py --frames 30 --size 256

The clips are phantoms; each transform and the loop of itself over single frames take turns, and the fastest time of
each counts. The loop also searches sectors and marks in each frame, as it has to.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import torch
from memory_read import fastest
from monai.data import MetaTensor
from torch import Tensor
from tqdm import tqdm

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
    ScanConvert,
    UltrasoundSectorCrop,
    find_sector,
)

ULTRASOUND: dict[str, Callable[[Tensor], Callable[[Tensor], Tensor]]] = {
    "UltrasoundSectorCrop": lambda clip: UltrasoundSectorCrop(),
    "RemoveBurntInMarks": lambda clip: RemoveBurntInMarks(),
    "InverseScanConvert": lambda clip: InverseScanConvert(),
    "ScanConvert": lambda clip: ScanConvert(find_sector(clip), clip.shape[1:3]),
    "RandSpeckle": lambda clip: RandSpeckle(prob=1),
    "RandGainCompensation": lambda clip: RandGainCompensation(prob=1),
    "RandAcousticShadow": lambda clip: RandAcousticShadow(prob=1),
}
ENDOSCOPE: dict[str, Callable[[Tensor], Callable[[Tensor], Tensor]]] = {
    "EndoscopeViewCrop": lambda clip: EndoscopeViewCrop(),
    "FillSpecularHighlights": lambda clip: FillSpecularHighlights(),
    "RandVignette": lambda clip: RandVignette(prob=1),
    "RandColorCast": lambda clip: RandColorCast(prob=1),
    "Deinterlace": lambda clip: Deinterlace(),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=30, help="of a clip")
    parser.add_argument("--size", type=int, default=256, help="width and height of the clip, px")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the CPU")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each")
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    lines = []
    with tqdm(total=len(ULTRASOUND) + len(ENDOSCOPE)) as bar:
        for look, transforms in (("ultrasound", ULTRASOUND), ("endoscope", ENDOSCOPE)):
            clip = make_clip(look, args.frames, args.size)
            for name, make in transforms.items():
                bar.set_description(name)
                lines.append(table_line(name, *measure(make(clip), clip, args.repeats)))
                bar.update()
    print(f"{args.frames} frames of {args.size} x {args.size} px, {args.threads} threads\n")
    print("| transform | clip ms | frame by frame ms | ratio |\n|---|---|---|---|")
    print("\n".join(lines))


def make_clip(look: str, frames: int, size: int) -> MetaTensor:
    """A phantom (3, X, Y, T)."""
    phantom = Phantom(look, length=frames, size=(size, size))
    return MetaTensor(torch.stack(list(phantom)).permute(1, 3, 2, 0).contiguous())


def measure(transform: Callable[[Tensor], Tensor], clip: Tensor, repeats: int) -> list[float]:
    """Seconds for the clip, and for its frames one after the other."""
    frames = [frame.contiguous() for frame in clip.unbind(dim=-1)]
    return fastest([lambda: transform(clip), lambda: [transform(frame) for frame in frames]], repeats)


def table_line(name: str, clip_s: float, loop_s: float) -> str:
    """A row in Markdown."""
    return f"| {name} | {1e3 * clip_s:.1f} | {1e3 * loop_s:.1f} | {loop_s / clip_s:.1f} |"


if __name__ == "__main__":
    main()
