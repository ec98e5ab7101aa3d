# SPDX-License-Identifier: Apache-2.0
"""How fast do the networks carry masks through a video, and how much memory do they need? Beside a plain STCN.

    python benchmarks/propagation.py --threads 2 --output FILE.json

Frames are random, and weights too where nothing else is said: this measures speed only. Each network runs in a process
of its own at each size and number of objects, the networks take turns, and the fastest turn of each counts. The first
steps do not count.

``shipped`` is the memory network with its weights and its gate, ``shipped_compiled`` the same with encoders and decoder
given to ``torch.compile``, ``shipped_onnx`` the exported one in ONNX Runtime, whose peak memory includes the export.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from arguments import names_of, numbers
from fresh_process import KIB_PER_MIB, in_fresh_process, resident_mib
from monai.bundle import ConfigParser
from plain_stcn import PlainSTCN
from torch import Tensor, nn

from monai_i2v.compute import clock
from monai_i2v.data import load_checkpoint
from monai_i2v.export import OnnxSegmenter, export_memory_net
from monai_i2v.networks import (
    Encoder,
    OneShotMemoryNet,
    TemporalContrastiveMemoryNet,
    optimize_for_inference,
)
from monai_i2v.networks.vos import LIGHT_FORMS, light_network

BUNDLES = Path(__file__).parents[1] / "bundles"
MEMORY_BUNDLE = "temporal_contrastive_memory_video_segmentation"
YARDSTICK = "stcn"
WARM_UP = 2  # steps


def from_bundle(name: str, config_file: str = "train.json") -> Any:
    """The network that a bundle's config describes, with random weights; the one that it trains by default."""
    config = ConfigParser()
    config.read_config(BUNDLES / name / "configs" / config_file)
    return config.get_parsed_content("network_def")


def shipped() -> Any:
    """The memory network as its bundle runs it, with its weights: what it compares depends on them."""
    network = from_bundle(MEMORY_BUNDLE, "inference.json")
    return load_checkpoint(network, BUNDLES / MEMORY_BUNDLE / "models" / "model.pt")


def compiled() -> Any:
    """The shipped network; what does not grow with the memory is compiled."""
    network = shipped()
    for module in (network.encoder, network.mask_encoder, network.decoder):
        module.compile()
    return network


def in_onnx_runtime() -> OnnxSegmenter:
    """The shipped network, exported."""
    with TemporaryDirectory() as folder:
        export_memory_net(shipped(), folder)
        return OnnxSegmenter(folder)


NETWORKS: dict[str, Callable[[], Any]] = {
    "tcmn": lambda: from_bundle(MEMORY_BUNDLE),
    "shipped": shipped,
    "shipped_compiled": compiled,
    "shipped_onnx": in_onnx_runtime,
    "tcmn_paper": TemporalContrastiveMemoryNet,
    "image": lambda: from_bundle("one_shot_image_segmentation"),
    "memory": lambda: OneShotMemoryNet(from_bundle("one_shot_image_segmentation"), key="matching"),
    YARDSTICK: PlainSTCN,
    **{f"vos_{method}": partial(light_network, method) for method in LIGHT_FORMS},
}

USUAL = [name for name in NETWORKS if not name.startswith("shipped_")]  # others need a compiler or ONNX Runtime


@dataclass(frozen=True)
class Setting:
    """How all networks run."""

    frames: int
    threads: int
    device: str
    bf16: bool


@dataclass(frozen=True)
class Case:
    """What runs."""

    network: str
    size: tuple[int, int]  # height, width in px
    objects: int


@dataclass(frozen=True)
class Turn:
    """What one turn of a case took."""

    seconds: float  # per frame
    peak_mib: float


@dataclass(frozen=True)
class Row:
    """A case, measured."""

    network: str
    size: tuple[int, int]
    objects: int
    frames_per_s: float
    ms_per_frame: float
    peak_mib: float  # resident memory of the process, or allocated memory of the GPU
    ratio: float | None  # frames per s, to the plain STCN's
    load: float  # processes that ran or waited, ours included, in the last minute


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    args = parse_args(argv)
    setting = Setting(args.frames, args.threads, args.device, args.bf16)
    rows = []
    print(f"{setting}, torch {torch.__version__}\n")
    print("| network | size | objects | frames/s | ms/frame | peak MiB | x plain STCN | load |")
    print("|---|---|---|---|---|---|---|---|")
    for size, objects in product(args.sizes, args.objects):
        rows += measure([Case(network, size, objects) for network in args.networks], setting, args.repeats)
        print("\n".join(map(table_line, rows[-len(args.networks) :])), flush=True)
    if args.output is not None:
        settings = {**asdict(setting), "repeats": args.repeats, "torch": torch.__version__}
        args.output.write_text(json.dumps({"rows": [asdict(row) for row in rows], "settings": settings}, indent=2))


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--networks", type=names_of("network", NETWORKS), default=USUAL, help=f"of {','.join(NETWORKS)}"
    )
    parser.add_argument("--sizes", type=sizes, default="256x256,384x384,480x854", help="height x width, px")
    parser.add_argument("--objects", type=numbers, default="1,3", help="objects per frame")
    parser.add_argument("--frames", type=int, default=20, help="length of the videos")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each network")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the CPU")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cpu or cuda")
    parser.add_argument("--bf16", action="store_true", help="run the image encoders in bfloat16")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    args = parser.parse_args(argv)
    if args.frames < WARM_UP + 2:
        parser.error(f"--frames is {args.frames}, expected {WARM_UP + 2} or more, as the first do not count.")
    return args


def sizes(text: str) -> list[tuple[int, int]]:
    """Sizes such as 480x854, separated by commas."""
    return [(int(height), int(width)) for height, width in (size.split("x") for size in text.split(","))]


def measure(cases: Sequence[Case], setting: Setting, repeats: int) -> list[Row]:
    """Let the cases take turns, each turn in a fresh process."""
    turns: dict[Case, list[Turn]] = {case: [] for case in cases}
    for _ in range(repeats):
        for case in cases:
            turns[case].append(in_fresh_process(run, case, setting))
    seconds = {case: min(turn.seconds for turn in taken) for case, taken in turns.items()}
    yardstick = next((seconds[case] for case in cases if case.network == YARDSTICK), None)
    return [
        Row(
            **asdict(case),
            frames_per_s=1 / seconds[case],
            ms_per_frame=1e3 * seconds[case],
            peak_mib=max(turn.peak_mib for turn in turns[case]),
            ratio=None if yardstick is None else yardstick / seconds[case],
            load=os.getloadavg()[0],
        )
        for case in cases
    ]


@torch.inference_mode()
def run(case: Case, setting: Setting) -> Turn:
    """Send a video through a network, one frame at a time."""
    torch.set_num_threads(setting.threads)
    torch.manual_seed(0)
    network = NETWORKS[case.network]()
    if isinstance(network, nn.Module):
        network.eval().to(setting.device)
        if case.network != YARDSTICK:  # which stays as its authors run it
            optimize_for_inference(network)
    if setting.bf16:
        autocast_encoders(network, setting.device)
    state = network.start(new_frame(case, setting), first_masks(case, setting))
    times = []
    for _ in range(setting.frames - 1):
        frame = new_frame(case, setting)
        begin = clock(setting.device)
        _, state = network.step(frame, state)
        times.append(clock(setting.device) - begin)
    counted = times[WARM_UP:]
    return Turn(sum(counted) / len(counted), peak_mib(setting))


def autocast_encoders(network: nn.Module, device: str) -> None:
    """Have the image encoders compute in bfloat16, and return float32."""
    for module in list(network.modules()):
        if isinstance(module, Encoder):
            module.forward = partial(autocast_encode, module.forward, device)  # type: ignore[method-assign]


def autocast_encode(encode: Callable[[Tensor], dict[int, Tensor]], device: str, frame: Tensor) -> dict[int, Tensor]:
    """Encoder features of a frame, computed in bfloat16."""
    with torch.autocast(device, torch.bfloat16):
        return {stage: feature.float() for stage, feature in encode(frame).items()}


def new_frame(case: Case, setting: Setting) -> Tensor:
    """A frame (1, 3, H, W) of noise."""
    return torch.rand(1, 3, *case.size).to(setting.device)


def first_masks(case: Case, setting: Setting) -> Tensor:
    """Masks (1, K, H, W): the frame's lower half, in upright stripes."""
    height, width = case.size
    masks = torch.zeros(1, case.objects, height, width, device=setting.device)
    for channel, columns in enumerate(torch.arange(width).chunk(case.objects)):
        masks[:, channel, height // 2 :, columns] = 1
    return masks


def peak_mib(setting: Setting) -> float:
    """The most memory that this process ever held: resident on a CPU, allocated on a GPU."""
    if setting.device != "cpu":
        return torch.cuda.max_memory_allocated() / KIB_PER_MIB**2
    return resident_mib("VmHWM")  # rusage would tell the parent's, if that was more


def table_line(row: Row) -> str:
    """A row in Markdown."""
    size = "x".join(map(str, row.size))
    speed = f"{row.frames_per_s:.2f} | {row.ms_per_frame:.0f} | {row.peak_mib:.0f}"
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return f"| {row.network} | {size} | {row.objects} | {speed} | {ratio} | {row.load:.1f} |"


if __name__ == "__main__":
    main()
