# SPDX-License-Identifier: Apache-2.0
"""Which candidate is better, family by family? One half of each family chooses, the other reports.

    python benchmarks/family_table.py --data DIR --candidates FILE.json --output FOLDER --half choose

``FILE.json`` names the candidates: ``{"shipped": {}, "drawn only": {"max_mem_frames": 1}, ...}``; what stands beside
a name are values for the keys of the bundle's ``inference.json``, and ``"bundle"`` for another bundle's folder. With a
``"preset"`` the network is adapted to each clip first.
``copy`` (the first mask) and ``image`` (the image network) are always measured: a choice without regret is in no family
below the best of these and ``drawn only`` by more than half a point. ``FOLDER`` keeps what was measured; the same
command goes on.

Frame 0 is given and does not count. Frames are averaged to objects, objects to clips, clips to families, and families
weigh alike. ``--backward`` adds each clip as it runs back from its last true mask, averaged with the clip: few clips
choose, and where one of them loses its object is much by chance. ``empty`` is the share of the frame that is marked
where the truth has nothing of the object. Differences are paired over clips of all families, each family drawn anew
from its own, with a 95 % bootstrap interval.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from accuracy import BUNDLE as IMAGE_BUNDLE
from accuracy import Bundle, adapted_network, copy_first_mask, follow
from beating_hearts import find_hearts
from clips import BACKWARD, Clip, backward, find_clips, make_phantoms, scored_frames
from families import FAMILIES, HALVES, PHANTOMS, clips_of
from monai.metrics import compute_roc_auc
from torch import Tensor
from tqdm import tqdm

from monai_i2v.errors import UsageError, show_usage_errors_in_one_sentence
from monai_i2v.files.complete_file import complete_file
from monai_i2v.memory import mask_confidence
from monai_i2v.metrics import boundary_f, dice, iou
from monai_i2v.transforms import labels_to_masks, masks_to_labels
from monai_i2v.transforms.label_masks import occurring_labels

BUNDLE = Path(__file__).parents[1] / "bundles" / "temporal_contrastive_memory_video_segmentation"
COPY, IMAGE, DRAWN = "copy", "image", "drawn only"
REGRET = 0.005
"""How far a candidate may be below the best simple method in a family."""
BAD = 0.7
"""Dice below which a mask is wrong."""
RESAMPLES = 2000

Measured = dict[str, Any]
"""Of a candidate on a clip: seconds per frame and, by object, lists over frames (dice, j, f, sure; empty)."""


def measure(follow_clip: Callable[[Sequence[Tensor], Tensor], Any], clip: Clip) -> Measured:
    """Run a candidate on a clip and compare with the truth."""
    truth = clip.read_truth()
    counted = scored_frames(truth)
    frames, labels = list(clip.video), occurring_labels(truth[0])
    begin, sure, found = time.perf_counter(), [], []
    probs = follow_clip(frames, labels_to_masks(truth[0], labels))
    with torch.no_grad():
        for _, prob in zip(frames, probs, strict=True):
            sure.append(mask_confidence(prob.unsqueeze(0))[0])
            found.append(masks_to_labels(prob, labels))
    seconds = (time.perf_counter() - begin) / len(frames)
    objects = {}
    for label, shown in counted.items():
        ours, real = (torch.stack([maps[index] == label for index in shown]) for maps in (found, truth))
        scores = {name: score(ours, real).flatten().tolist() for name, score in SCORES.items()}
        empty = [index for index in truth if index > 0 and index not in shown]
        objects[str(label)] = {
            **scores,
            "sure": [sure[index][labels.index(label)].item() for index in shown],
            "empty": [(found[index] == label).float().mean().item() for index in empty],
        }
    return {"seconds": seconds, "objects": objects}


SCORES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"dice": dice, "j": iou, "f": boundary_f}


class Table:
    """What was measured, in one file per half of the clips.

    Args:
        folder: where the files are.
        name: of the file, which half of each family.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.json"
        self.cells: dict[str, dict[str, Measured]] = json.loads(self.path.read_text()) if self.path.exists() else {}

    def add(self, candidate: str, clip: str, measured: Measured) -> None:
        """Keep a measurement."""
        self.cells.setdefault(candidate, {})[clip] = measured
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with complete_file(self.path) as partial:
            partial.write_text(json.dumps(self.cells), encoding="utf-8")

    def clip_scores(self, candidate: str, family: str, name: str) -> dict[str, float]:
        """Mean over directions, objects and frames, by clip; clips without such a number are left out."""
        scores: dict[str, list[float]] = {}
        for clip, measured in self.cells[candidate].items():
            if clip.partition("_")[0].partition("-")[0] == family:
                means = [fmean(numbers[name]) for numbers in measured["objects"].values() if numbers[name]]
                if means:
                    scores.setdefault(clip.removesuffix(BACKWARD), []).append(fmean(means))
        return {clip: fmean(both) for clip, both in scores.items()}

    def score(self, candidate: str, family: str, name: str = "dice") -> float:
        """Mean over the clips of a family; NaN when there is none."""
        scores = self.clip_scores(candidate, family, name)
        return fmean(scores.values()) if scores else float("nan")

    def mean(self, candidate: str, families: Sequence[str], name: str = "dice") -> float:
        """Mean over families."""
        return float(np.nanmean([self.score(candidate, family, name) for family in families]))

    def seconds(self, candidate: str) -> float:
        """Mean over clips."""
        return fmean(measured["seconds"] for measured in self.cells[candidate].values())

    def auroc(self, candidate: str, family: str) -> float:
        """How often a right mask has more confidence than a wrong one; NaN when all are right, or all wrong."""
        own = [
            numbers
            for clip, measured in self.cells[candidate].items()
            if clip.partition("_")[0].partition("-")[0] == family
            for numbers in measured["objects"].values()
        ]
        right = torch.tensor([value >= BAD for numbers in own for value in numbers["dice"]])
        if right.all() or not right.any():
            return float("nan")
        sure = torch.tensor([value for numbers in own for value in numbers["sure"]])
        return float(compute_roc_auc(sure, right.long()))

    def regret(self, candidate: str, families: Sequence[str]) -> float:
        """How far the candidate is below the best simple method, in the family in which this is most."""
        simple = [name for name in (COPY, IMAGE, DRAWN) if name in self.cells]
        return max(
            max(self.score(name, family) for name in simple) - self.score(candidate, family) for family in families
        )

    def difference(self, candidate: str, baseline: str, families: Sequence[str]) -> tuple[float, float, float]:
        """Mean over families of the candidate's Dice minus the baseline's, and the limits of its interval."""
        random, means, draws = np.random.default_rng(0), [], []
        for family in families:
            own, other = (self.clip_scores(name, family, "dice") for name in (candidate, baseline))
            gains = np.array([own[clip] - other[clip] for clip in own])
            means.append(gains.mean())
            draws.append(gains[random.integers(len(gains), size=(RESAMPLES, len(gains)))].mean(axis=1))
        low, high = np.percentile(np.mean(draws, axis=0), (2.5, 97.5))
        return float(np.mean(means)), float(low), float(high)


def print_table(table: Table, candidates: Sequence[str], families: Sequence[str], baseline: str) -> None:
    """Markdown: Dice by family, mean, difference, J, F, regret and seconds; then what stands apart, by family."""
    print(f"\n| Dice, % | {' | '.join(families)} | mean | - {baseline} | J | F | regret | s/frame |")
    print("|" + " --- |" * (len(families) + 7))
    for name in candidates:
        cells = [f"{100 * table.score(name, family):.1f}" for family in families]
        gain, low, high = (100 * value for value in table.difference(name, baseline, families))
        means = [f"{100 * table.mean(name, families, score):.1f}" for score in ("dice", "j", "f")]
        apart = f"{gain:+.1f} [{low:+.1f}, {high:+.1f}]" if name != baseline else ""
        regret = table.regret(name, families)
        mark = "" if regret <= REGRET else " !"
        cells += [means[0], apart, *means[1:], f"{100 * regret:+.1f}{mark}", f"{table.seconds(name):.3f}"]
        print(f"| {name} | {' | '.join(cells)} |")
    print(f"\n| AUROC of the confidence; empty, % | {' | '.join(families)} |")
    print("|" + " --- |" * (len(families) + 1))
    for name in candidates:
        cells = [
            f"{table.auroc(name, family):.3f}; {100 * table.score(name, family, 'empty'):.2f}" for family in families
        ]
        print(f"| {name} | {' | '.join(cells)} |")


def candidate_of(name: str, settings: Mapping[str, Any]) -> Callable[[Sequence[Tensor], Tensor], Any]:
    """From frames and the masks of frame 0 to the probabilities of all frames."""
    own = dict(settings)
    bundle = Bundle(Path(own.pop("bundle", BUNDLE)), device="cpu", **own)
    if name == COPY:
        return lambda frames, masks: copy_first_mask(bundle, frames, masks)
    if "preset" in own:
        return lambda frames, masks: adapted_network(bundle, frames, masks, preset=own["preset"])
    return lambda frames, masks: follow(bundle, frames, masks, network=bundle.network)


def measure_missing(table: Table, name: str, settings: Mapping[str, Any], clips: Sequence[Clip]) -> None:
    """Measure a candidate on the clips on which it was not yet."""
    missing = [clip for clip in clips if clip.name not in table.cells.get(name, {})]
    if missing:
        follow_clip = candidate_of(name, settings)
        for clip in tqdm(missing, desc=name):
            table.add(name, clip.name, measure(follow_clip, clip))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    args = parse_args(argv)
    candidates = {COPY: {}, IMAGE: {"bundle": str(IMAGE_BUNDLE)}, **json.loads(args.candidates.read_text())}
    table = Table(args.output, args.half + BACKWARD * args.backward)
    clips = [*find_clips(args.data), *make_phantoms(PHANTOMS)]
    if args.images and "heart" in args.families:
        patients = [name.removeprefix("heart_") for name in FAMILIES["heart"][args.half]]
        clips += find_hearts(args.images, patients)
    chosen = [clip for family in args.families for clip in clips_of(clips, family, args.half)]
    if args.backward:
        chosen += [backward(clip) for clip in chosen]
    if not chosen:
        raise UsageError(f"{args.data} has no clip of {', '.join(args.families)}; give another --data.")
    for name, settings in candidates.items():
        measure_missing(table, name, settings, chosen)
    print_table(table, list(candidates), args.families, args.baseline)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of <clip>/{frames/*.jpg, masks/*.png}")
    parser.add_argument("--images", type=Path, help="folder of cardiac_mri/{images,masks}, for the family heart")
    parser.add_argument("--candidates", type=Path, required=True, help="JSON file of names and settings")
    parser.add_argument("--output", type=Path, required=True, help="folder to write or continue")
    parser.add_argument("--half", choices=HALVES, default="choose", help="of each family")
    parser.add_argument("--backward", action="store_true", help="also from each clip's last mask back to frame 0")
    parser.add_argument("--families", type=lambda text: text.split(","), default=list(FAMILIES), help="names")
    parser.add_argument("--baseline", default="shipped", help="the candidate that others are compared with")
    return parser.parse_args(argv)


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
