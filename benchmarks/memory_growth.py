# SPDX-License-Identifier: Apache-2.0
"""Does a longer video need more memory? Peak memory of the whole command: decode, adapt, segment, write.

    python benchmarks/memory_growth.py --frames 100,600 --preset memory_only

Phantom movies of each length go through a bundle's evaluator and `SaveVideoResults`, each in a fresh process.
"""

from __future__ import annotations

import argparse
import resource
from pathlib import Path
from tempfile import TemporaryDirectory

from arguments import numbers
from fresh_process import KIB_PER_MIB, in_fresh_process
from monai.bundle import ConfigParser

from monai_i2v.phantoms import Phantom, save_phantom

BUNDLE = Path(__file__).parents[1] / "bundles" / "test_time_training_video_segmentation"


def main() -> None:
    """Measure what the command line asks for, and print it."""
    args = parse_args()
    peaks = {}
    for length in args.frames:
        with TemporaryDirectory() as folder:
            in_fresh_process(write_movie, folder, length, (args.height, args.width))
            peaks[length] = in_fresh_process(segment, folder, args.bundle, args.checkpoint, args.preset)
    shortest = next(iter(peaks.values()))
    print(f"peak memory, {args.preset}, {args.width} x {args.height} px")
    for length, peak in peaks.items():
        print(f"{length:6} frames  {peak:6.0f} MiB  {peak / shortest:.3f}")


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--frames", type=numbers, default="100,600", help="lengths of the movies; ratios are to the first"
    )
    parser.add_argument("--height", type=int, default=480, help="px, even")
    parser.add_argument("--width", type=int, default=640, help="px, even")
    parser.add_argument("--preset", default="memory_only", help="of the test-time training")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="bundle of network and adaptation")
    parser.add_argument("--checkpoint", type=Path, help="weights; the bundle's if not given")
    return parser.parse_args()


def write_movie(folder: str, length: int, size: tuple[int, int]) -> None:
    """Write a phantom and its masks, as a person would have them."""
    save_phantom(Phantom(length=length, size=size), folder)


def segment(folder: str, bundle: Path, checkpoint: Path | None, preset: str) -> float:
    """Run the bundle's evaluator on a movie.

    Returns:
        Peak resident memory of this process, MiB. It began with the parent's, which has imported the same and no more.
    """
    config = ConfigParser()
    config.read_config(bundle / "configs" / "inference.json")
    paths = {"video": "video.mp4", "ref_mask": "masks/00000.png", "output_dir": "output"}
    config.update({key: str(Path(folder, path)) for key, path in paths.items()})
    config.update({"bundle_root": str(bundle), "preset": preset})
    if checkpoint is not None:
        config["checkpoint"] = str(checkpoint)
    config.get_parsed_content("evaluator").run()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB


if __name__ == "__main__":
    main()
