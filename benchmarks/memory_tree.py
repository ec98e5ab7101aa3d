# SPDX-License-Identifier: Apache-2.0
"""Do several memories of a video help? The memory network by itself, as a tree, and as a tree that knows the truth.

    python benchmarks/memory_tree.py --data DIR --output FILE.json

The last is no method: its scores are Dice with the truth, so it says how much a better score could win at most. Scores
are those of `accuracy.py`; the same command again goes on where it stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from accuracy import CAUTION, Bundle, follow, image_network, measure
from clips import Clip, add_clip_arguments, wanted_clips
from scores import Results, print_differences, print_scores
from torch import Tensor
from tqdm import tqdm

from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.metrics import dice
from monai_i2v.tracking import MemoryTree
from monai_i2v.tracking.memory_tree import pathway_score
from monai_i2v.transforms import labels_to_masks
from monai_i2v.transforms.label_masks import occurring_labels

BUNDLE = Path(__file__).parents[1] / "bundles" / "temporal_contrastive_memory_video_segmentation"
METHODS = ("image", "tree", "oracle")


class Oracle:
    """Scores by Dice with the truth where there is some, by confidence where there is none."""

    def __init__(self, bundle: Bundle, clip: Clip) -> None:
        truth = clip.read_truth()
        labels = occurring_labels(truth[0])
        masks = {index: labels_to_masks(label_map, labels).unsqueeze(0) for index, label_map in truth.items()}
        working = bundle.inferer.annotate(list(clip.video), masks[0][0]).masks.shape[-2:]
        self.masks = {
            index: torch.nn.functional.interpolate(mask, working, mode="area") > 0.5 for index, mask in masks.items()
        }
        self.frame = 0

    def __call__(self, prob: Tensor) -> float:
        truth = self.masks.get(self.frame)
        return pathway_score(prob) if truth is None else dice(prob.cpu() > 0.5, truth).mean().item()


class OracleTree(MemoryTree):
    """A tree whose scorer knows which frame it is."""

    def step(self, frame: Tensor, state: list) -> tuple[Tensor, list]:
        self.scorer.frame += 1  # type: ignore[attr-defined]
        return super().step(frame, state)


def tree_network(
    bundle: Bundle, frames: Sequence[Tensor], masks: Tensor, *, pathways: int, oracle: Oracle | None = None
) -> Iterator[Tensor]:
    """The bundle's network with several memories."""
    tree = (
        MemoryTree(bundle.network, pathways=pathways)
        if oracle is None
        else OracleTree(bundle.network, pathways=pathways, scorer=oracle)
    )
    return follow(bundle, frames, masks, network=tree)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_clip_arguments(parser, phantoms=2)
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write or continue")
    parser.add_argument("--pathways", type=int, default=3, help="memories of a video")
    args = parser.parse_args(argv)
    bundle = Bundle(BUNDLE, size=args.size, device="cpu", preset="memory_only")
    clips = wanted_clips(args)
    facts = {**bundle.facts(), "pathways": args.pathways}
    results = Results(args.output, facts, "python benchmarks/memory_tree.py")
    missing = [(name, clip) for clip in clips for name in METHODS if not results.has(name, clip.name)]
    for name, clip in (bar := tqdm(missing)):
        bar.set_description(f"{name} on {clip.name}")
        oracle = Oracle(bundle, clip) if name == "oracle" else None
        tree = partial(tree_network, pathways=args.pathways, oracle=oracle)
        results.add(measure(name, image_network if name == "image" else tree, bundle, clip))
    rows = [row for row in results.rows if row.clip in {clip.name for clip in clips}]
    print("image: the memory network by itself")
    print_scores(rows)
    print_differences(rows)
    print(CAUTION)


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
