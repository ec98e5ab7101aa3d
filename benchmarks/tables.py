# SPDX-License-Identifier: Apache-2.0
"""The tables of the papers, on your clips: methods x presets x seeds x data, with intervals and cost.

    python benchmarks/tables.py --data DIR --output FOLDER --tables methods,components --seeds 0,1,2

Every method runs in a process of its own and keeps what it measured in ``FOLDER/runs``, clip by clip: the same command
again goes on where it stopped, other tables use what is there. ``FOLDER/tables.md``, ``tables.json`` and a picture per
figure show what there is so far of the seeds and clips that the command names. Scores are those of `accuracy.py`.
To add a method or a table, see `grid.py`. Methods whose weights `few_shot_training.py` or `vos_training.py` has still
to make are left out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import matplotlib.pyplot as plt
from accuracy import METHODS, Bundle, follow, measure
from arguments import names_of, numbers
from clips import Clip, add_clip_arguments, make_controls, scored_frames, wanted_clips
from fresh_process import in_fresh_process
from grid import BUNDLES, RUNS, TABLES, Run, Table
from scores import Results, Row, clip_means, paired_difference
from torch import Tensor
from tqdm import tqdm

from monai_i2v.compute import clock
from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.files.complete_file import complete_file
from monai_i2v.tracking import AnnotatedVideo
from monai_i2v.transforms import labels_to_masks
from monai_i2v.transforms.label_masks import occurring_labels

NOTHING = "-"
SECONDS_PER_HOUR = 3600
NAMES = {"dice": "Dice", "iou": "IoU", "j": "J", "f": "F"}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and write the tables."""
    args = parse_args(argv)
    tables = {name: TABLES[name] for name in args.tables}
    runs = {run.name: run for table in tables.values() for _, run in table.rows}
    tasks = [
        (run, seed)
        for run in runs.values()
        if run.name not in args.skip and run.is_trained
        for seed in (args.seeds if run.random else args.seeds[:1])
    ]
    lengths = {clip.name: len(clip.video) for clip in chosen_clips(args, list(runs.values()))}
    (args.output / "runs").mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(args.jobs) as pool:
        pending = {pool.submit(in_fresh_process, execute, run.name, seed, args): (run, seed) for run, seed in tasks}
        for done in (bar := tqdm(as_completed(pending), total=len(pending))):
            done.result()
            bar.set_description(f"{pending[done][0].name}, seed {pending[done][1]}")
            write_tables(tables, args.output, args.seeds, lengths)
    print((args.output / "tables.md").read_text(encoding="utf-8"))


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_clip_arguments(parser, phantoms=15)
    parser.add_argument("--output", type=Path, required=True, help="folder to write or continue")
    parser.add_argument("--tables", type=names_of("table", TABLES), default=list(TABLES), help=f"of {','.join(TABLES)}")
    parser.add_argument("--skip", type=names_of("run", RUNS), default=[], help="runs to leave out, as they take long")
    parser.add_argument("--seeds", type=numbers, default=[0], help="of the methods that draw random numbers")
    parser.add_argument("--controls", type=int, default=3, help="phantoms of each kind of control")
    parser.add_argument("--jobs", type=int, default=1, help="methods that run at a time")
    parser.add_argument("--device", default="auto", help="cpu, cuda or auto")
    return parser.parse_args(argv)


def execute(name: str, seed: int, args: argparse.Namespace) -> None:
    """Measure a run on all clips that its file does not have yet."""
    run = RUNS[name]
    clips = [clip for clip in chosen_clips(args, [run]) if concerns(run, clip)]
    settings = {"size": args.size, "seed": seed, "device": args.device}
    bundle = Bundle(BUNDLES / run.bundle, overlays=run.overlays, **{**settings, **run.changes})
    facts = {**bundle.facts(), "bundle": run.bundle, "method": run.method, "scope": run.scope}
    results = Results(path_of(args.output, run, seed), facts, "python benchmarks/tables.py")
    missing = [clip for clip in clips if not results.has(run.name, clip.name)]
    if run.scope == "dataset":
        for _, family in groupby(missing, key=lambda clip: clip.family):
            results.add(list(measure_together(run, bundle, list(family))))
    else:
        along = partial(segment_along, run=run)
        method = METHODS[run.method] if run.scope == "video" else along
        for clip in tqdm(missing, desc=f"{run.name}, seed {seed}", leave=False):
            results.add(measure(run.name, method, bundle, clip))


def chosen_clips(args: argparse.Namespace, runs: Sequence[Run]) -> list[Clip]:
    """The clips that the command line asks for, with the phantoms that are controls if a run is measured on them."""
    families = chain.from_iterable(run.families for run in runs)
    controlled = any(family.startswith("control") for family in families)
    return wanted_clips(args, make_controls(args.controls) if controlled else ())


def concerns(run: Run, clip: Clip) -> bool:
    """Whether a run is measured on a clip."""
    return clip.family in run.families if run.families else not clip.family.startswith("control")


def measure_together(run: Run, bundle: Bundle, clips: Sequence[Clip]) -> Iterator[Row]:
    """Adapt to clips together, and score each; the time of the adaptation is shared by their frames."""
    clips = [clip for clip in clips if scored_frames(clip.read_truth())]
    videos = [annotate(bundle, clip) for clip in clips]
    network, adaptation = bundle.with_preset(run.method)
    begin = clock(bundle.device)
    adapted = adaptation.adapt(network, videos).network
    seconds = (clock(bundle.device) - begin) / sum(len(video.frames) for video in videos)
    for clip in clips:
        for row in measure(run.name, partial(follow, network=adapted), bundle, clip):
            yield replace(row, seconds_per_frame=row.seconds_per_frame + seconds)


def annotate(bundle: Bundle, clip: Clip) -> AnnotatedVideo:
    """The clip as an adaptation sees it."""
    first = clip.read_truth()[0]
    masks = labels_to_masks(first, occurring_labels(first)).to(bundle.device)
    return bundle.inferer.annotate(list(clip.video), masks)


def segment_along(bundle: Bundle, frames: Sequence[Tensor], masks: Tensor, *, run: Run) -> Iterator[Tensor]:
    """Adapt while segmenting; a `Method` of `accuracy.py`."""
    _, adaptation = bundle.with_preset(run.method)
    along = getattr(adaptation, f"adapt_{run.scope}")
    return follow(bundle, frames, masks, network=bundle.network, predict=along)


def path_of(output: Path, run: Run, seed: int) -> Path:
    """File of a run."""
    return output / "runs" / f"{run.name}-{seed}.json"


@dataclass(frozen=True)
class Measured:
    """What the files of a run say: rows of the same clips per seed."""

    seeds: list[list[Row]]
    peak_mib: float

    def means(self, family: str, name: str) -> list[float]:
        """A mean over the clips of a family per seed."""
        per_seed = (clip_means(rows, rows[0].method, family, name).values() for rows in self.seeds)
        return [fmean(values) for values in per_seed if values]

    def by_clip(self, family: str, name: str) -> dict[str, float]:
        """A mean over the seeds per clip of a family."""
        per_seed = [clip_means(rows, rows[0].method, family, name) for rows in self.seeds]
        return {clip: fmean(means[clip] for means in per_seed) for clip in per_seed[0]}

    def seconds(self, lengths: Mapping[str, int]) -> float:
        """What measuring took, without reading and scoring; `lengths` are the clips' frames."""
        clips = {(seed, row.clip): row.seconds_per_frame for seed, rows in enumerate(self.seeds) for row in rows}
        return sum(per_frame * lengths[clip] for (_, clip), per_frame in clips.items())


def read_run(output: Path, run: Run, seeds: Iterable[int], clips: Container[str]) -> Measured | None:
    """What there is of a run in all of its files of `seeds`, None when there is nothing yet."""
    paths = [path_of(output, run, seed) for seed in seeds]
    files = [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
    measured = [{row["clip"] for row in content["rows"]} for content in files]
    shared = {clip for clip in set.intersection(*measured) if clip in clips} if measured else set()
    if not shared:
        return None
    rows = [[Row(**row) for row in content["rows"] if row["clip"] in shared] for content in files]
    return Measured(rows, max(content["peak_mib"] for content in files))


def write_tables(tables: Mapping[str, Table], output: Path, seeds: Iterable[int], lengths: Mapping[str, int]) -> None:
    """Write all that there is so far, as Markdown, JSON and pictures.

    Args:
        tables: by name.
        output: folder of the runs, which is written to.
        seeds: those to show.
        lengths: frames of the clips to show.
    """
    runs = {
        run.name: run for table in tables.values() for run in (RUNS[table.baseline], *(run for _, run in table.rows))
    }
    found = {name: measured for name, run in runs.items() if (measured := read_run(output, run, seeds, lengths))}
    texts, numbers_of = [], {}
    for name, table in tables.items():
        baseline = found.get(table.baseline)
        there = [(cells, found[run.name]) for cells, run in table.rows if run.name in found]
        if there:
            texts.append(f"## {table.title}\n\n{markdown(table, there, baseline)}")
            numbers_of[name] = summary(table, there, baseline)
            if table.figure:
                draw(table, there, output / f"{name}.png")
    hours = sum(measured.seconds(lengths) for measured in found.values()) / SECONDS_PER_HOUR
    texts.append(f"All of it took {hours:.1f} hours, without reading and scoring.")
    with complete_file(output / "tables.md") as file:
        file.write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    with complete_file(output / "tables.json") as file:
        file.write_text(json.dumps(numbers_of, indent=1), encoding="utf-8")


Rows = Sequence[tuple[tuple[str, ...], Measured]]


def families_of(rows: Rows) -> dict[str, int]:
    """Families and how many clips of each there are."""
    clips = {(row.family, row.clip) for _, measured in rows for seed in measured.seeds for row in seed}
    return {family: len(list(group)) for family, group in groupby(sorted(clips), key=lambda pair: pair[0])}


def summary(table: Table, rows: Rows, baseline: Measured | None) -> list[dict[str, Any]]:
    """The table's numbers, a dictionary per row."""
    return [
        {
            **dict(zip(table.head, cells, strict=True)),
            "seeds": len(measured.seeds),
            "peak_mib": measured.peak_mib,
            "families": {
                family: {
                    **{name: measured.means(family, name) for name in (*table.measures, "seconds_per_frame")},
                    "dice_difference": difference(measured, baseline, family),
                }
                for family in families_of(rows)
                if measured.means(family, "dice")
            },
        }
        for cells, measured in rows
    ]


def difference(measured: Measured, baseline: Measured | None, family: str) -> tuple[float, ...] | None:
    """Dice minus the baseline's on the clips that both have, with its 95 % interval where there are two or more."""
    own, other = (run.by_clip(family, "dice") if run else {} for run in (measured, baseline))
    both = [clip for clip in own if clip in other]
    if not both or measured == baseline:
        return None
    return paired_difference({clip: own[clip] for clip in both}, other)


def markdown(table: Table, rows: Rows, baseline: Measured | None) -> str:
    """The table, for people."""
    families = families_of(rows)
    measures = " / ".join(NAMES[name] for name in table.measures)
    head = [*table.head]
    whose = {"image": "image's", "vos_tcmn": "TCMN's"}.get(table.baseline, "first row's")
    for family, count in families.items():
        head += [f"{family} ({count}) {measures}", f"Dice - {whose}", "s/frame"]
    lines = [[*head, "MiB"], ["---"] * (len(head) + 1)]
    for cells, measured in rows:
        line = list(cells)
        for family in families:
            line += [
                " / ".join(percent(measured.means(family, name)) for name in table.measures),
                interval(difference(measured, baseline, family)),
                average(measured.means(family, "seconds_per_frame")),
            ]
        lines.append([*line, f"{measured.peak_mib:.0f}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def percent(values: Sequence[float]) -> str:
    """Mean and standard deviation, in percent."""
    if not values:
        return NOTHING
    spread = f" ± {100 * stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * fmean(values):.1f}{spread}"


def average(values: Sequence[float]) -> str:
    """A mean, as it is."""
    return f"{fmean(values):.2f}" if values else NOTHING


def interval(values: Iterable[float] | None) -> str:
    """A difference in percent, with its limits if it has any."""
    if values is None:
        return ""
    mean, *limits = (f"{100 * value:+.1f}" for value in values)
    return f"{mean} [{', '.join(limits)}]" if limits else mean


def draw(table: Table, rows: Rows, path: Path) -> None:
    """Bars of the table's first measure, with the standard deviation over the seeds."""
    families, name = families_of(rows), table.measures[0]
    figure, axes = plt.subplots(figsize=(4.5 + 1.6 * len(families), 3.2), layout="constrained")
    width = 0.8 / len(rows)
    for index, (cells, measured) in enumerate(rows):
        values = [[100 * value for value in measured.means(family, name)] for family in families]
        places = [place + (index - (len(rows) - 1) / 2) * width for place in range(len(families))]
        heights = [fmean(seeds) if seeds else 0.0 for seeds in values]
        errors = [stdev(seeds) if len(seeds) > 1 else 0.0 for seeds in values]
        bars = axes.bar(places, heights, width, yerr=errors, label=", ".join(cells))
        axes.bar_label(bars, fmt="%.1f", fontsize=7, padding=2)
    axes.set_xticks(range(len(families)), [f"{family} ({count})" for family, count in families.items()])
    axes.set(ylabel=f"{NAMES[name]}, %", ylim=(0, 105), title=table.title)
    axes.title.set_fontsize(9)
    axes.legend(title=", ".join(table.head), fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    with complete_file(path) as file:
        figure.savefig(file, dpi=150, format="png")
    plt.close(figure)


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
