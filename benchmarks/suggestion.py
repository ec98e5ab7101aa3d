# SPDX-License-Identifier: Apache-2.0
"""Is the frame that a session suggests worth drawing? Dice after a second annotation: suggested, middle or random.

    python benchmarks/suggestion.py --data DIR --output FILE.json

Frame 0 is drawn first; then one more frame is drawn as the truth has it, and the others are scored. All variants are
scored on the same frames: those that none of them drew. Only clips with truth of every frame tell something.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from accuracy import Bundle
from clips import Clip, add_clip_arguments, scored_frames, wanted_clips
from torch import Tensor
from tqdm import tqdm

from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.files.complete_file import complete_file
from monai_i2v.metrics import dice, paired_bootstrap
from monai_i2v.session import VideoSession

BUNDLE = Path(__file__).parents[1] / "bundles" / "temporal_contrastive_memory_video_segmentation"
RANDOM = 5  # random frames, averaged


def session_with(bundle: Bundle, clip: Clip, truth: Mapping[int, Tensor], drawn: Sequence[int]) -> VideoSession:
    """A session that has seen the whole clip."""
    session = VideoSession(bundle.network, list(clip.video), size=bundle.inferer.size)
    for frame in drawn:
        session.annotate(frame, truth[frame].numpy())
    for _ in session.carry():
        pass
    return session


def mean_dice(session: VideoSession, truth: Mapping[int, Tensor], skipped: set[int]) -> float:
    """Mean over frames, then objects."""
    found = {index: torch.from_numpy(session[index].label_map) for index in truth if index not in skipped}
    return fmean(
        fmean(dice(found[index] == label, truth[index] == label).item() for index in indices if index in found)
        for label, indices in scored_frames(truth).items()
        if any(index in found for index in indices)
    )


def compare(bundle: Bundle, clip: Clip) -> dict[str, float]:
    """Mean Dice of each way to choose the second frame."""
    truth = clip.read_truth()
    one = session_with(bundle, clip, truth, [0])
    candidates = [index for index in truth if index > 0]
    suggested = next(index for index in one.suggest(len(one)) if index in candidates)
    middle = min(candidates, key=lambda index: abs(index - len(one) // 2))
    drawn = np.random.default_rng(0).choice(candidates, size=min(RANDOM, len(candidates)), replace=False).tolist()
    skipped = {0, suggested, middle, *drawn}
    scores = {"none": mean_dice(one, truth, skipped)}
    for name, frames in (("suggested", [suggested]), ("middle", [middle]), ("random", drawn)):
        scores[name] = fmean(
            mean_dice(session_with(bundle, clip, truth, [0, frame]), truth, skipped) for frame in frames
        )
    return scores


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_clip_arguments(parser, phantoms=5)
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    args = parser.parse_args(argv)
    bundle = Bundle(BUNDLE, size=args.size, device="cpu")
    dense = [clip for clip in wanted_clips(args) if len(clip.read_truth()) > len(clip.video) // 2]
    scores = {clip.name: compare(bundle, clip) for clip in tqdm(dense)}
    with complete_file(args.output) as file:
        file.write_text(json.dumps(scores, indent=1))
    for family in dict.fromkeys(clip.family for clip in dense):
        own = [values for name, values in scores.items() if name.startswith(family)]
        print(f"{family} ({len(own)})", *(f"{name} {fmean(one[name] for one in own):.3f}" for name in own[0]), sep="  ")
    for other in ("middle", "random") if len(scores) > 1 else ():
        gain = paired_bootstrap([one["suggested"] for one in scores.values()], [one[other] for one in scores.values()])
        print(f"suggested - {other}: {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]")


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
