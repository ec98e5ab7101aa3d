# SPDX-License-Identifier: Apache-2.0
"""How good are the methods? Dice, IoU (which is DAVIS J) and boundary F of every object of every clip.

    python benchmarks/accuracy.py --data DIR --output FILE.json --methods copy,image,anchored

Frame 0 is given and does not count, nor do frames without truth of an object. Frames are averaged to objects, objects
to clips, clips to families. The file is written after every clip; the same command again goes on where it stopped.
To compare another method, add it to `METHODS`.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, TypeAlias

import torch
from arguments import names_of
from clips import PHANTOM, Clip, add_clip_arguments, scored_frames, wanted_clips
from monai.bundle import ConfigParser
from scores import Results, Row, print_differences, print_scores
from torch import Tensor
from tqdm import tqdm

from monai_i2v.adaptation import IMAGE_NET_PRESETS, MEMORY_NET_PRESETS, PRESETS, RELEARNING_PRESETS
from monai_i2v.compute import clock, select_device
from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.inferers import PropagationInferer
from monai_i2v.metrics import boundary_f, dice, iou
from monai_i2v.report import sha256_of
from monai_i2v.transforms import labels_to_masks, masks_to_labels
from monai_i2v.transforms.label_masks import occurring_labels

BUNDLE = Path(__file__).parents[1] / "bundles" / "test_time_training_video_segmentation"
CAUTION = "Two small sets: they say whether something helps; they do not reproduce a paper's table."


class Bundle:
    """What a bundle's ``inference.json`` builds.

    Args:
        folder: the bundle.
        overlays: further files of its ``configs``, over it.
        settings: values for the file's keys.
    """

    def __init__(self, folder: Path, *, overlays: Sequence[str] = (), **settings: Any) -> None:
        self.config = ConfigParser()
        self.config.read_config([folder / "configs" / file for file in ("inference.json", *overlays)])
        quiet = {"adaptation::progress": False} if self.config["adaptation"] else {}
        self.config.update({"bundle_root": str(folder), **quiet, **settings})
        self.device = select_device(self.config["device"])
        self.inferer: PropagationInferer = self.config.get_parsed_content("inferer")
        self.network = self._network()
        self.by_preset: dict[str, tuple[Any, Any]] = {}

    def with_preset(self, preset: str) -> tuple[Any, Any]:
        """Network and adaptation as the bundle sets them up for a preset."""
        if preset not in self.by_preset:
            self.config["preset"] = preset
            self.by_preset[preset] = self._network(), self.config.get_parsed_content("adaptation")
        return self.by_preset[preset]

    def _network(self) -> Any:
        return self.config.get_parsed_content("network").to(self.device).eval()

    def facts(self) -> dict[str, Any]:
        """All that decides about the numbers, for JSON."""
        facts = {
            "checkpoint_sha256": sha256_of(self.config.get_parsed_content("checkpoint")),
            "device": self.device.type,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "phantom": PHANTOM,
            **{key: str(getattr(self.network, key)) for key in ("source", "frame_size") if hasattr(self.network, key)},
            **{key: self.config[key] for key in ("size", "dtype", "seed", "network_def", "adaptation")},
        }
        return json.loads(json.dumps(facts))


Method: TypeAlias = Callable[[Bundle, Sequence[Tensor], Tensor], Iterable[Tensor]]
"""From the frames (3, H, W) and the masks (K, H, W) of frame 0 to probabilities (K, H, W) of every frame, in order."""


def follow(
    bundle: Bundle, frames: Sequence[Tensor], masks: Tensor, *, network: Any, **options: Any
) -> Iterator[Tensor]:
    """A network as it is; the options are those of `PropagationInferer.stream`."""
    return (result.prob for result in bundle.inferer.stream(frames, network, masks, **options))


def copy_first_mask(bundle: Bundle, frames: Sequence[Tensor], masks: Tensor) -> Iterator[Tensor]:
    """Nothing moves."""
    return (masks for _ in frames)


def image_network(bundle: Bundle, frames: Sequence[Tensor], masks: Tensor) -> Iterator[Tensor]:
    """Every frame by itself, from frame 0."""
    return follow(bundle, frames, masks, network=bundle.network)


def adapted_network(bundle: Bundle, frames: Sequence[Tensor], masks: Tensor, *, preset: str) -> Iterator[Tensor]:
    """A network with memory, adapted to the clip."""
    video = bundle.inferer.annotate(frames, masks)
    network, adaptation = bundle.with_preset(preset)
    return follow(bundle, frames, masks, network=adaptation.adapt(network, video).network)


METHODS: dict[str, Method] = {
    "copy": copy_first_mask,
    "image": image_network,
    **{
        preset: partial(adapted_network, preset=preset)
        for preset in {**PRESETS, **MEMORY_NET_PRESETS, **RELEARNING_PRESETS, **IMAGE_NET_PRESETS}
    },
}
"""Presets are those of the chosen bundle, see its model card."""


def measure(name: str, method: Method, bundle: Bundle, clip: Clip) -> list[Row]:
    """Run a method on a clip and score its objects; the rows bear its name."""
    truth = clip.read_truth()
    counted = scored_frames(truth)
    if not counted:
        return []
    frames, labels = list(clip.video), occurring_labels(truth[0])
    begin = clock(bundle.device)
    probs = method(bundle, frames, labels_to_masks(truth[0], labels).to(bundle.device))
    with torch.no_grad():
        found = [masks_to_labels(prob, labels).cpu() for _, prob in zip(frames, probs, strict=True)]
    seconds = (clock(bundle.device) - begin) / len(frames)
    return [
        Row(name, clip.name, label, len(indices), **score(found, truth, label, indices), seconds_per_frame=seconds)
        for label, indices in counted.items()
    ]


def score(found: Sequence[Tensor], truth: Mapping[int, Tensor], label: int, indices: Sequence[int]) -> dict[str, float]:
    """Mean scores of an object over frames, from label maps (H, W)."""
    prediction = torch.stack([found[index] == label for index in indices])  # (T, H, W)
    real = torch.stack([truth[index] == label for index in indices])
    overlap = iou(prediction, real).mean().item()
    outline = boundary_f(prediction, real).mean().item()
    scores = {"dice": dice(prediction, real).mean().item(), "iou": overlap, "j": overlap, "f": outline}
    empty = [found[index] == label for index in truth if index > 0 and not (truth[index] == label).any()]
    return {**scores, "false_positive_px": fmean(float(mask.sum()) for mask in empty)} if empty else scores


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    args = parse_args(argv)
    settings = {"size": args.size, "dtype": args.dtype, "seed": args.seed, "device": args.device}
    if args.checkpoint is not None:
        settings["checkpoint"] = str(args.checkpoint)
    bundle = Bundle(args.bundle, **settings)
    clips = wanted_clips(args)
    results = Results(args.output, bundle.facts(), command_of(args))
    pairs = [(method, clip) for clip in clips for method in args.methods]
    missing = [(method, clip) for method, clip in pairs if not results.has(method, clip.name)]
    print(f"{len(pairs) - len(missing)} of {len(pairs)} results are in {args.output.name} already.")
    for method, clip in (bar := tqdm(missing)):
        bar.set_description(f"{method} on {clip.name}")
        results.add(measure(method, METHODS[method], bundle, clip))
    names = {clip.name for clip in clips}
    rows = [row for row in results.rows if row.method in args.methods and row.clip in names]
    print_scores(rows)
    print_differences(rows)
    print(CAUTION)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_clip_arguments(parser, phantoms=2)
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write or continue")
    parser.add_argument(
        "--methods",
        type=names_of("method", METHODS),
        default="copy,image,memory_only,anchored",
        help=f"copy, image, or presets of the bundle; of {','.join(METHODS)}",
    )
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="bundle of network and adaptation")
    parser.add_argument("--checkpoint", type=Path, help="weights; the bundle's if not given")
    parser.add_argument("--dtype", default="float32", help="float32, bfloat16 or float16")
    parser.add_argument("--seed", type=int, default=0, help="of the adaptation")
    parser.add_argument("--device", default="auto", help="cpu, cuda or auto")
    return parser.parse_args(argv)


def command_of(args: argparse.Namespace) -> str:
    """The command, with bare names of files: where they lie is nobody's business."""
    given = {name: ",".join(value) if name == "methods" else value for name, value in vars(args).items()}
    words = [
        word
        for name, value in given.items()
        if value not in (None, "")
        for word in (f"--{name}", value.name if isinstance(value, Path) else str(value))
    ]
    return shlex.join(["python", "benchmarks/accuracy.py", *words])


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
