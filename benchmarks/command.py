# SPDX-License-Identifier: Apache-2.0
"""How fast is the whole command, from a file to a folder of results, and where does its time go?

    python benchmarks/command.py --cases movie,wide,dicom,nifti --objects 1,3

Runs ``python -m monai.bundle run`` of the memory bundle on phantoms: a movie of 640 x 480 px, one of 1280 x 720, a
DICOM cine and a NIfTI series of 640 x 480. Each command is a process of its own. ``--beside DIR`` lets another checkout
of this package take turns with this one, and ``--against FILE.py:NAME`` another network (a `VideoSegmenter` that the
callable makes) with the same decoding, labels and writing. The turn with the least wall seconds counts. ``x network``
is what the command takes after its imports, as a multiple of what the network takes in it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from arguments import names_of, numbers
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid
from stopwatch import BEGIN, OUTPUT, STAGES

from monai_i2v.phantoms import Phantom, save_phantom

HERE = Path(__file__).resolve().parent
BUNDLE = "bundles/temporal_contrastive_memory_video_segmentation"
MM_PER_PX = 0.3
COLUMNS = ("imports", *STAGES)


class Case(NamedTuple):
    """A kind of recording."""

    size: tuple[int, int]  # height, width in px
    look: str  # of the phantom
    write: Callable[[Phantom, Path], str]  # gives the file's name


class Turn(NamedTuple):
    """One run of the command."""

    who: str
    facts: dict[str, Any]  # see `stopwatch`


def write_movie(phantom: Phantom, folder: Path) -> str:
    """H.264; `save_phantom` also writes all true masks."""
    save_phantom(phantom, folder)
    return "video.mp4"


def write_dicom(phantom: Phantom, folder: Path) -> str:
    """An ultrasound cine, uncompressed."""
    save_phantom(phantom, folder)
    pixels, name = _pixels(phantom), "cine.dcm"
    file = Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    file.SOPInstanceUID = file.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    file.SeriesInstanceUID, file.StudyInstanceUID = generate_uid(), generate_uid()
    file.NumberOfFrames, file.Rows, file.Columns = pixels.shape
    file.SamplesPerPixel, file.PhotometricInterpretation, file.FrameTime = 1, "MONOCHROME2", 40
    file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 8, 8, 7, 0
    file.PixelData = pixels.tobytes()
    file.save_as(folder / name, enforce_file_format=True)
    return name


def write_nifti(phantom: Phantom, folder: Path) -> str:
    """(x, y, time), compressed."""
    save_phantom(phantom, folder)
    image = nib.Nifti1Image(_pixels(phantom).T, np.diag([MM_PER_PX, MM_PER_PX, 0.04, 1]))
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, folder / "series.nii.gz")
    return "series.nii.gz"


def _pixels(phantom: Phantom) -> np.ndarray:
    return np.stack([phantom.read(index)[..., 0] for index in range(len(phantom))])  # (T, H, W)


CASES = {
    "movie": Case((480, 640), "endoscope", write_movie),
    "wide": Case((720, 1280), "endoscope", write_movie),
    "dicom": Case((480, 640), "ultrasound", write_dicom),
    "nifti": Case((480, 640), "ultrasound", write_nifti),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    args = parse_args(argv)
    codes = {"this": HERE.parent, **({"other": args.beside.resolve()} if args.beside else {})}
    rows = []
    print("| case | objects | whose | frames/s | x network | s to first mask | total s | CPU s | peak MiB | load |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for name, objects in product(args.cases, args.objects):
        turns = take_turns(CASES[name], objects, args, codes)
        for who in dict.fromkeys(turn.who for turn in turns):
            best = min((turn.facts for turn in turns if turn.who == who), key=lambda facts: facts["total"])
            rows.append({"case": name, "objects": objects, "whose": who, **best})
            print(summary_line(rows[-1], args.frames), flush=True)
    print(f"\nWall s (CPU s) per stage; threads overlap.\n\n| case | objects | whose | {' | '.join(COLUMNS)} |")
    print("|---" * (3 + len(COLUMNS)) + "|")
    print("\n".join(map(stage_line, rows)))
    if args.output is not None:
        args.output.write_text(json.dumps({"frames": args.frames, "rows": rows}, indent=2), encoding="utf-8")


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=names_of("case", CASES), default=list(CASES), help=f"of {','.join(CASES)}")
    parser.add_argument("--objects", type=numbers, default="1,3", help="objects per frame, 1 to 3")
    parser.add_argument("--frames", type=int, default=60, help="length of the recordings")
    parser.add_argument("--repeats", type=int, default=2, help="turns of each")
    parser.add_argument("--threads", type=int, help="of the CPU; PyTorch's own choice when not given")
    parser.add_argument("--beside", type=Path, help="folder of another checkout of this package")
    parser.add_argument("--against", help="FILE.py:NAME of a callable that makes another network")
    parser.add_argument("--keep", type=Path, help="folder in which the results of the last turns stay")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    return parser.parse_args(argv)


def take_turns(case: Case, objects: int, args: argparse.Namespace, codes: dict[str, Path]) -> list[Turn]:
    """Let the checkouts, and the other network, take turns at one recording."""
    with TemporaryDirectory() as folder:
        phantom = Phantom(case.look, length=args.frames, size=case.size, objects=objects)
        video = Path(folder, case.write(phantom, Path(folder)))
        turns = []
        for _ in range(args.repeats):
            for who, code in codes.items():
                keep = args.keep and args.keep.resolve() / f"{video.name}_{objects}" / who
                turns.append(Turn(who, run(code, video, keep or Path(folder, who), args.threads)))
            if args.against:
                turns.append(Turn("peer", run(HERE.parent, video, Path(folder, "peer"), args.threads, args.against)))
        return turns


def run(code: Path, video: Path, output: Path, threads: int | None, against: str | None = None) -> dict[str, Any]:
    """Run the command once, with a stopwatch.

    Raises:
        RuntimeError: When it fails.
    """
    overlay = json.loads((code / BUNDLE / "configs" / "inference.json").read_text(encoding="utf-8"))
    overlay = {key: overlay[key] for key in ("imports", "initialize")}
    overlay["imports"].append("$import stopwatch")
    overlay["initialize"].insert(0, "$stopwatch.watch()")
    if against:
        overlay["network"] = f"$stopwatch.build({against!r})"
    paths = video.with_name("stopwatch.config.json"), video.with_name("stopwatch.json")
    paths[0].write_text(json.dumps(overlay), encoding="utf-8")
    options = {
        "config_file": f"['{code / BUNDLE / 'configs' / 'inference.json'}','{paths[0]}']",
        "bundle_root": code / BUNDLE,
        "video": video,
        "ref_mask": video.with_name("masks") / "00000.png",
        "output_dir": output,
        "device": "cpu",
    }
    environment = {**os.environ, "PYTHONPATH": f"{code}{os.pathsep}{HERE}", OUTPUT: str(paths[1])}
    if threads:
        environment["OMP_NUM_THREADS"] = str(threads)
    command = [sys.executable, "-m", "monai.bundle", "run"]
    command += [text for key, value in options.items() for text in (f"--{key}", str(value))]
    environment[BEGIN] = str(time.time())
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=video.parent)
    if done.returncode:
        raise RuntimeError(f"the command failed: {done.stderr[-2000:]}")
    return {**json.loads(paths[1].read_text(encoding="utf-8")), "load": os.getloadavg()[0]}


def summary_line(row: dict[str, Any], frames: int) -> str:
    """A row in Markdown."""
    after = row["total"] - row["wall"]["imports"]
    network = row["wall"]["network"]
    cells = (
        f"{row['case']} | {row['objects']} | {row['whose']} | {frames / after:.1f} | {after / network:.2f}",
        f"{row['first_mask']:.1f} | {row['total']:.1f} | {row['total_cpu']:.1f}",
        f"{row['peak_mib']:.0f} | {row['load']:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def stage_line(row: dict[str, Any]) -> str:
    """Seconds of each stage, in Markdown."""
    cells = [f"{row['wall'].get(stage, 0):.2f} ({row['cpu'].get(stage, 0):.2f})" for stage in COLUMNS]
    return f"| {row['case']} | {row['objects']} | {row['whose']} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
