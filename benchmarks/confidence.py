# SPDX-License-Identifier: Apache-2.0
"""Does the confidence find the frames that are wrong? AUROC for Dice below 0.7, and Dice against confidence.

    python benchmarks/confidence.py --data DIR --output FOLDER

Clips are those of `accuracy.py`, and phantoms of which random frames are spoiled: noise, darkness and blur up to where
nothing is left. Every object of every frame with truth counts, but for frame 0. ``FOLDER`` gets ``confidence.json`` and
``confidence.png``. ``--measure cycle`` judges another confidence: how well a frame's masks give back those of frame 0.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from accuracy import Bundle
from clips import Clip, add_clip_arguments, family_of, make_phantoms, scored_frames, wanted_clips
from monai.metrics import compute_roc_auc
from torch import Tensor
from tqdm import tqdm

from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.files.complete_file import complete_file
from monai_i2v.inferers import FrameResult
from monai_i2v.memory import mask_confidence
from monai_i2v.metrics import dice
from monai_i2v.tracking import AnnotatedVideo, WorkingFrames
from monai_i2v.transforms import labels_to_masks, masks_to_labels
from monai_i2v.transforms.label_masks import occurring_labels

BUNDLE = Path(__file__).parents[1] / "bundles" / "temporal_contrastive_memory_video_segmentation"
BAD = 0.7  # Dice below which a mask is wrong
SPOILED = 0.4  # share of the frames of a spoiled phantom
BINS = np.linspace(0, 1, 11)


class Judged(NamedTuple):
    """An object in a frame."""

    clip: str
    frame: int
    label: int
    confidence: float
    dice: float

    @property
    def family(self) -> str:
        """See `Clip.family`."""
        return family_of(self.clip)


def spoil(clip: Clip, seed: int) -> Clip:
    """A clip of which some frames show less, or nothing, of what is there."""
    random = torch.Generator().manual_seed(seed)
    frames: list[Tensor] = list(clip.video)
    for index in range(1, len(frames)):
        if torch.rand((), generator=random) < SPOILED:
            strength = torch.rand((), generator=random)
            noise = torch.rand(frames[index].shape, generator=random)
            size = 1 + 2 * int(6 * strength)
            blurred = F.avg_pool2d(frames[index], size, stride=1, padding=size // 2)
            frames[index] = (1 - strength) * blurred + strength * (0.2 + 0.3 * noise)
    return Clip(clip.name.replace("phantom", "spoiled"), frames, clip.label_map)


def cycle_dice(bundle: Bundle, video: AnnotatedVideo, result: FrameResult) -> Tensor:
    """Dice (K,) of the reference's masks and those that one step from a frame, with the masks found there, gives."""
    frames = video.frames
    assert isinstance(frames, WorkingFrames)
    state = bundle.network.start(frames[result.index], frames.resize_masks(result.prob))
    back, _ = bundle.network.step(frames[video.ref_frame], state)
    return dice(back > 0.5, video.masks > 0.5)[0]


MEASURES: dict[str, Callable[[Bundle, AnnotatedVideo, FrameResult], Tensor]] = {
    "mask_confidence": lambda bundle, video, result: mask_confidence(result.prob.unsqueeze(0))[0],
    "cycle": cycle_dice,
}


def judge(bundle: Bundle, clip: Clip, measure: str = "mask_confidence") -> list[Judged]:
    """Segment a clip, and compare confidence with truth."""
    truth = clip.read_truth()
    labels, counted = occurring_labels(truth[0]), scored_frames(truth)
    found = []
    masks = labels_to_masks(truth[0], labels).to(bundle.device)
    video = bundle.inferer.annotate(list(clip.video), masks)
    with torch.no_grad():
        for result in bundle.inferer.stream(list(clip.video), bundle.network, masks):
            sure = MEASURES[measure](bundle, video, result).tolist()
            label_map = masks_to_labels(result.prob, labels).cpu()
            for label, value in zip(labels, sure, strict=True):
                if result.index in counted.get(label, ()):
                    real = truth[result.index] == label
                    score = dice(label_map == label, real).item()
                    found.append(Judged(clip.name, result.index, label, value, score))
    return found


def auroc(judged: Sequence[Judged]) -> float | None:
    """How often a right mask has more confidence than a wrong one; None when all are right, or all wrong."""
    right = torch.tensor([one.dice >= BAD for one in judged])
    if right.all() or not right.any():
        return None
    return float(compute_roc_auc(torch.tensor([one.confidence for one in judged]), right.long()))


def draw(families: dict[str, list[Judged]], path: Path) -> None:
    """Mean Dice against confidence."""
    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    for family, judged in families.items():
        places, heights = [], []
        for low, high in pairwise(BINS):
            own = [one for one in judged if low <= one.confidence < high or one.confidence == high == 1]
            if own:
                places.append(fmean(one.confidence for one in own))
                heights.append(fmean(one.dice for one in own))
        axes.plot(places, heights, "o-", markersize=4, label=family)
    axes.plot([0, 1], [0, 1], ":", color="#999999")
    axes.set(xlabel="confidence", ylabel="mean Dice", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, fontsize=8)
    with complete_file(path) as file:
        figure.savefig(file, dpi=150, format="png")
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_clip_arguments(parser, phantoms=5)
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="bundle of the network")
    parser.add_argument("--measure", choices=MEASURES, default="mask_confidence", help="what is judged")
    args = parser.parse_args(argv)
    bundle = Bundle(args.bundle, size=args.size, device="cpu")
    families: dict[str, list[Judged]] = {}
    seeds = {clip.name: seed for seed, clip in enumerate(make_phantoms(args.phantoms))}
    for clip in tqdm([spoil(clip, seeds[clip.name]) if clip.name in seeds else clip for clip in wanted_clips(args)]):
        families.setdefault(clip.family, []).extend(judge(bundle, clip, args.measure))
    args.output.mkdir(parents=True, exist_ok=True)
    draw(families, args.output / "confidence.png")
    content = {family: [one._asdict() for one in judged] for family, judged in families.items()}
    with complete_file(args.output / "confidence.json") as file:
        file.write_text(json.dumps(content, indent=1))
    for family, judged in families.items():
        wrong = fmean(one.dice < BAD for one in judged)
        value = auroc(judged)
        found = "-" if value is None else f"{value:.3f}"
        print(f"{family:20} {len(judged):5} masks, {100 * wrong:5.1f} % wrong, AUROC {found}")


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
