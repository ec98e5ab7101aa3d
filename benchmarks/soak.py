# SPDX-License-Identifier: Apache-2.0
"""Does a stream without end need more and more memory? The process's memory over many frames of the shipped network.

    python benchmarks/soak.py --frames 50000 --output FOLDER

A disc wanders over noise, drawn when it is asked for. It goes through a `LiveSession`; through
`PropagationInferer.stream` with its masks written as PNG; and the same from a mask of the middle frame, so that half of
the masks wait for their turn. Each way has a process of its own. ``FOLDER`` gets ``soak.json`` and ``soak.png``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import torch
from accuracy import Bundle
from arguments import names_of
from fresh_process import in_fresh_process, resident_mib
from tqdm import tqdm

from monai_i2v.files.complete_file import complete_file
from monai_i2v.masks import open_mask_writer
from monai_i2v.media import Video, VideoInfo
from monai_i2v.session import LiveSession
from monai_i2v.transforms import labels_to_masks, masks_to_labels

BUNDLE = Path(__file__).parents[1] / "bundles" / "temporal_contrastive_memory_video_segmentation"
SAMPLES = 100  # of the memory, evenly over the frames
WARM_UP = 0.1  # share of the frames until every buffer is there


class Wanderer(Video):
    """A bright disc that wanders over noise; frames are a function of their number.

    Args:
        length: number of frames.
        side: their height and width, px.
        on_read: called for each frame that is read.
    """

    def __init__(self, length: int, side: int, on_read: Callable[[], object]) -> None:
        super().__init__(VideoInfo("wanderer", "phantom", length, side, side))
        self.on_read = on_read

    def read(self, index: int) -> np.ndarray:
        """Frame (H, W, 1), uint8."""
        self.on_read()
        noise = np.random.default_rng(index).integers(0, 90, (self.info.height, self.info.width), np.uint8)
        return (noise + 150 * self.label_map(index))[..., None]

    def label_map(self, index: int) -> np.ndarray:
        """1 in the disc (H, W), uint8."""
        side = self.info.height
        center = side * (0.5 + 0.25 * np.sin([index / 31, index / 47]))
        rows, columns = np.ogrid[:side, :side]
        return ((rows - center[0]) ** 2 + (columns - center[1]) ** 2 < (side / 5) ** 2).astype(np.uint8)


class Sample(NamedTuple):
    """Memory at a moment."""

    frames: int  # that were read
    mib: float  # resident memory of the process


def live(bundle: Bundle, video: Wanderer) -> None:
    """Frames as from a camera."""
    session = LiveSession(bundle.network, size=video.info.height)
    session.annotate(video[0], video.label_map(0))
    for index in range(1, len(video)):
        session.step(video[index])


def stream(bundle: Bundle, video: Wanderer, ref_frame: int = 0) -> None:
    """Frames as from a file, with a file of masks for each."""
    masks = labels_to_masks(torch.from_numpy(video.label_map(ref_frame)), [1]).to(bundle.device)
    with TemporaryDirectory() as folder, open_mask_writer(Path(folder), video, [1]) as writer, torch.no_grad():
        for result in bundle.inferer.stream(video, bundle.network, masks, ref_frame):
            writer.write(result.index, masks_to_labels(result.prob, [1]).cpu().numpy())


def stream_from_middle(bundle: Bundle, video: Wanderer) -> None:
    """The same, both ways from the middle: frames before it are read twice."""
    stream(bundle, video, len(video) // 2)


WAYS: dict[str, Callable[[Bundle, Wanderer], None]] = {"live": live, "stream": stream, "middle": stream_from_middle}


def soak(way: str, frames: int, side: int) -> list[Sample]:
    """Send frames one way, and look at the memory of this process."""
    bundle = Bundle(BUNDLE, size=side, device="cpu")
    samples = []
    again = frames // 2 if way == "middle" else 0
    with tqdm(desc=way, total=frames + again, unit="frame") as bar:

        def look() -> None:
            bar.update()
            if bar.n % max(frames // SAMPLES, 1) == 0:
                samples.append(Sample(int(bar.n), resident_mib()))

        WAYS[way](bundle, Wanderer(frames, side, look))
    return samples


def growth(samples: Sequence[Sample]) -> float:
    """MiB per 10,000 frames, by least squares after the warm-up."""
    settled = [sample for sample in samples if sample.frames > WARM_UP * samples[-1].frames]
    frames, mib = np.array(settled).T
    return float(1e4 * np.polyfit(frames, mib, deg=1)[0])


def draw(curves: dict[str, list[Sample]], path: Path) -> None:
    """Memory over frames."""
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for way, samples in curves.items():
        axes.plot(*zip(*samples, strict=True), label=way)
    axes.set(xlabel="frames read", ylabel="resident memory (MiB)")
    axes.set_ylim(0, 1.2 * max(sample.mib for samples in curves.values() for sample in samples))
    axes.legend(frameon=False)
    with complete_file(path) as file:
        figure.savefig(file, dpi=150, format="png")
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=50000, help="length of the stream")
    parser.add_argument("--side", type=int, default=64, help="height and width of the frames, px")
    parser.add_argument("--ways", type=names_of("way", WAYS), default=list(WAYS), help=f"of {','.join(WAYS)}")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    args = parser.parse_args(argv)
    curves: dict[str, list[Sample]] = {}
    print("| way | frames | MiB after 10 % | MiB at the end | most | MiB per 10,000 frames |")
    print("|---|---|---|---|---|---|")
    for way in args.ways:
        curves[way] = samples = in_fresh_process(soak, way, args.frames, args.side)
        begin = next(sample.mib for sample in samples if sample.frames >= WARM_UP * samples[-1].frames)
        most = max(sample.mib for sample in samples)
        numbers = f"{begin:.0f} | {samples[-1].mib:.0f} | {most:.0f} | {growth(samples):+.2f}"
        print(f"| {way} | {args.frames} | {numbers} |", flush=True)
        args.output.mkdir(parents=True, exist_ok=True)
        draw(curves, args.output / "soak.png")
        with complete_file(args.output / "soak.json") as file:
            file.write_text(json.dumps({"side": args.side, "curves": curves}))


if __name__ == "__main__":
    main()
