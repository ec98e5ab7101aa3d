# SPDX-License-Identifier: Apache-2.0
"""How much drawing does a good video cost? A simulated person draws frame 0, then one frame after the other.

    python benchmarks/effort.py --data DIR --output FILE.json --half choose

The next frame is the one that the session suggests, or the middle of the longest stretch without a drawing, or a
random one. Printed are the mean Dice after 1, 2, 3 and 5 drawn frames, and how many frames it takes on average to reach
85 and 90 (6 stands for more than 5). Every frame with truth counts but frame 0; a drawn frame is as right as its
drawing, since that is what a person gets. Only clips with truth of most frames tell something. ``--candidate`` is a
JSON file with values for the keys of the bundle's ``inference.json``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import numpy as np
from accuracy import Bundle
from clips import Clip, find_clips, make_phantoms
from families import FAMILIES, HALVES, PHANTOMS, clips_of
from suggestion import BUNDLE, mean_dice
from torch import Tensor
from tqdm import tqdm

from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.files.complete_file import complete_file
from monai_i2v.session import VideoSession

MOST = 5
SHOWN = (1, 2, 3, 5)
GOALS = (0.85, 0.90)


def suggested(session: VideoSession, open_frames: Sequence[int], drawn: Sequence[int]) -> int:
    """The frame that the session finds most worth drawing."""
    return next((index for index in session.suggest(len(session)) if index in open_frames), open_frames[0])


def middle(session: VideoSession, open_frames: Sequence[int], drawn: Sequence[int]) -> int:
    """The middle of the longest stretch without a drawing."""
    ends = [*sorted(drawn), len(session)]
    start, end = max(pairwise(ends), key=lambda stretch: stretch[1] - stretch[0])
    return min(open_frames, key=lambda index: abs(index - (start + end) / 2))


def random(session: VideoSession, open_frames: Sequence[int], drawn: Sequence[int]) -> int:
    """Any frame; the same ones in each run."""
    return int(np.random.default_rng(len(drawn)).choice(open_frames))


WAYS: dict[str, Callable[[VideoSession, Sequence[int], Sequence[int]], int]] = {
    "suggested": suggested,
    "middle": middle,
    "random": random,
}


def effort(bundle: Bundle, clip: Clip, truth: Mapping[int, Tensor], way: str) -> list[float]:
    """Mean Dice after one to `MOST` drawn frames."""
    session = VideoSession(bundle.network, list(clip.video), size=bundle.inferer.size)
    drawn, scores = [0], []
    while True:
        session.annotate(drawn[-1], truth[drawn[-1]].numpy())
        for _ in session.carry():
            pass
        scores.append(mean_dice(session, truth, {0}))
        open_frames = [index for index in truth if index not in drawn]
        if len(drawn) == MOST or not open_frames:
            return scores
        drawn.append(WAYS[way](session, open_frames, drawn))


def frames_to(scores: Sequence[float], goal: float) -> int:
    """How many drawn frames reach a mean Dice; one more than there are when none does."""
    return next((count for count, score in enumerate(scores, start=1) if score >= goal), len(scores) + 1)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    args = parse_args(argv)
    settings = json.loads(args.candidate.read_text()) if args.candidate else {}
    bundle = Bundle(BUNDLE, device="cpu", **settings)
    clips = [*find_clips(args.data), *make_phantoms(PHANTOMS)]
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for family in args.families:
        for clip in tqdm(clips_of(clips, family, args.half), desc=family):
            truth = clip.read_truth()
            if len(truth) > len(clip.video) // 2:
                for way in args.ways:
                    found.setdefault(family, {}).setdefault(way, {})[clip.name] = effort(bundle, clip, truth, way)
    with complete_file(args.output) as file:
        file.write_text(json.dumps(found, indent=1))
    print_effort(found)


def print_effort(found: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]) -> None:
    """A line per family and way."""
    counts = " | ".join(f"{count} drawn" for count in SHOWN)
    goals = " | ".join(f"frames to {goal:.0%}" for goal in GOALS)
    print(f"| Dice, % | next frame | {counts} | {goals} |")
    print("|" + " --- |" * (2 + len(SHOWN) + len(GOALS)))
    for family, ways in found.items():
        for way, curves in ways.items():
            after = [f"{100 * fmean(curve[min(n, len(curve)) - 1] for curve in curves.values()):.1f}" for n in SHOWN]
            needed = [f"{fmean(frames_to(curve, goal) for curve in curves.values()):.1f}" for goal in GOALS]
            print(f"| {family} ({len(curves)}) | {way} | {' | '.join([*after, *needed])} |")


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of <clip>/{frames/*.jpg, masks/*.png}")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--half", choices=HALVES, default="choose", help="of each family")
    parser.add_argument("--families", type=lambda text: text.split(","), default=list(FAMILIES), help="names")
    parser.add_argument("--ways", type=lambda text: text.split(","), default=list(WAYS), help="how frames are chosen")
    parser.add_argument("--candidate", type=Path, help="JSON file of settings; the shipped ones if not given")
    return parser.parse_args(argv)


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
