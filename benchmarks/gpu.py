# SPDX-License-Identifier: Apache-2.0
"""Does all of it work on this GPU, does it give what a CPU gives, and how fast is it? In at most 8 minutes.

    python benchmarks/gpu.py --output gpu.json

Checks the four bundles, adaptations and training steps against the CPU, measures frames per second and memory of the
memory network, and counts how often the host waits for the GPU. ``--device cpu`` rehearses it, with small pictures.
What comes after the time is up is left out, and said so. It ends with an error when a check failed.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from accuracy import Bundle
from fresh_process import KIB_PER_MIB, resident_mib
from ignite.engine import Events
from monai.bundle import ConfigParser
from torch import Tensor

from monai_i2v.compute import clock, select_device
from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.inferers import PropagationInferer
from monai_i2v.media import Video, VideoInfo
from monai_i2v.metrics import dice
from monai_i2v.phantoms import Phantom
from monai_i2v.transforms import labels_to_masks

BUNDLES = Path(__file__).parents[1] / "bundles"
IMAGE, MEMORY = "one_shot_image_segmentation", "temporal_contrastive_memory_video_segmentation"
TEST_TIME, RELEARNING = "test_time_training_video_segmentation", "consistency_relearning_video_segmentation"
# A GPU rounds otherwise than a CPU: convolutions in TF32 differ by about 1e-3, and steps of an adaptation add up.
SAME_MASKS, SAME_ADAPTED = 0.99, 0.95
# The host has to know whether a frame is remembered; two frames per check may wait for more.
MOST_WAITS = 1.5
WAITING = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")


@dataclass(frozen=True)
class Setting:
    """How much is done."""

    device: torch.device
    sizes: tuple[tuple[int, int], ...] = ((256, 256), (480, 854), (1080, 1920))  # height, width in px
    objects: tuple[int, ...] = (1, 3, 10)
    frames: int = 60  # that count for speed
    clip: int = 12  # frames of a video that is compared
    side: int = 256  # of its pictures, and of those to train on, px
    steps: int = 8  # of a training


SMALL = {"sizes": ((48, 64), (64, 96)), "objects": (1, 3), "frames": 6, "clip": 4, "side": 64, "steps": 2}


@dataclass(frozen=True)
class Row:
    """What was found."""

    check: str
    what: str
    value: float
    unit: str
    ok: bool | None = None  # None of what is only measured


Check = Callable[[Setting], Iterator[Row]]


def main(argv: Sequence[str] | None = None) -> None:
    """Check what the command line asks for, and print it."""
    args = parse_args(argv)
    device = select_device(args.device)
    setting = replace(Setting(device), **(SMALL if device.type == "cpu" else {}))  # type: ignore[arg-type]
    rows: list[Row] = []
    print(f"{device_name(device)}, torch {torch.__version__}\n\n| check | of | found | |\n|---|---|---|---|")
    for row in rows_of(setting, args.checks, args.seconds):
        rows.append(row)
        print(table_line(row), flush=True)
    if args.output is not None:
        facts = {"device": device_name(device), "torch": torch.__version__}
        args.output.write_text(json.dumps({**facts, "rows": [asdict(row) for row in rows]}, indent=1), encoding="utf-8")
    failed = [row for row in rows if row.ok is False]
    if failed:
        sys.exit(f"{len(failed)} of {len(rows)} rows failed.")


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to rehearse")
    parser.add_argument("--checks", nargs="+", choices=CHECKS, default=list(CHECKS), help="which ones")
    parser.add_argument("--seconds", type=float, default=450, help="after which nothing new begins")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    return parser.parse_args(argv)


def rows_of(setting: Setting, checks: Sequence[str], seconds: float) -> Iterator[Row]:
    """Rows of some checks, until the time is up; a check that fails with an error is a row, too."""
    end = time.perf_counter() + seconds
    for name in checks:
        rows = CHECKS[name](setting)
        while time.perf_counter() < end:
            try:
                row = next(rows, None)
            except Exception as error:  # the other checks go on
                row, rows = Row(name, f"{type(error).__name__}: {error}"[:200], math.nan, "", ok=False), iter(())
            if row is None:
                break
            yield row
        else:
            yield Row(name, "left out from here on, the time is up", math.nan, "", ok=False)


# Equality


def equality(setting: Setting) -> Iterator[Row]:
    """Masks of the four bundles, without any adaptation."""
    presets = {IMAGE: "image_only", MEMORY: "memory_only", TEST_TIME: "memory_only", RELEARNING: "image_only"}
    for name, preset in presets.items():
        yield from compare("equality", name, partial(segmented, name, preset), setting, SAME_MASKS)


def adaptation(setting: Setting) -> Iterator[Row]:
    """Masks after and along adaptations."""
    for name, preset in ((MEMORY, "anchored"), (TEST_TIME, "anchored"), (RELEARNING, "relearning")):
        yield from compare("adaptation", f"{name}, video", partial(segmented, name, preset), setting, SAME_ADAPTED)
    for scope in ("sliding", "stream"):
        along = partial(segmented, TEST_TIME, "anchored", scope=scope)
        yield from compare("adaptation", f"{TEST_TIME}, {scope}", along, setting, SAME_ADAPTED)


def segmented(name: str, preset: str, setting: Setting, scope: str = "video") -> Tensor:
    """Probabilities (T, K, H, W) of a phantom's frames, as a bundle segments it, on the CPU."""
    bundle = Bundle(BUNDLES / name, device=str(setting.device), size=setting.side)
    network, method = bundle.with_preset(preset)
    phantom = Phantom(length=setting.clip, size=(setting.side, setting.side), objects=2)
    masks = labels_to_masks(torch.from_numpy(phantom.label_map(0).astype(np.int64)), [1, 2]).to(bundle.device)
    along = None if scope == "video" else getattr(method, f"adapt_{scope}")
    if along is None and method is not None:
        network = method.adapt(network, bundle.inferer.annotate(phantom, masks)).network
    results = bundle.inferer.stream(phantom, network, masks, predict=along)
    return torch.stack([result.prob.cpu() for result in results])


def compare(
    check: str, what: str, segment: Callable[[Setting], Tensor], setting: Setting, least: float
) -> Iterator[Row]:
    """Dice of the device's masks and the CPU's; how much slower the host or faster the device is."""
    begin = clock(setting.device)
    found = segment(setting)
    middle = clock(setting.device)
    expected = segment(replace(setting, device=torch.device("cpu")))
    seconds = clock("cpu") - middle
    score = dice(found > 0.5, expected > 0.5)[1:].mean().item()
    yield Row(check, what, score, "Dice", ok=score >= least)
    yield Row(check, what, (found - expected).abs().max().item(), "largest difference of probabilities")
    yield Row(check, what, seconds / (middle - begin), "times as fast as the CPU, with loading")


# Training


def training(setting: Setting) -> Iterator[Row]:
    """Steps of both trainings as the bundles set them up, with random pictures."""
    kinds: dict[str, dict[str, Any]] = {"float32": {"amp": False}, "bfloat16": {}, "float16": {"amp_dtype": "float16"}}
    if setting.device.type == "cpu":
        del kinds["float16"]  # which trains on CUDA only
    for name, (kind, options) in product((IMAGE, MEMORY), kinds.items()):
        yield from train(name, kind, setting, options, ())
    backend = "nccl" if setting.device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1)
    try:
        for name in (IMAGE, MEMORY):
            yield from train(name, f"bfloat16, DDP ({backend})", setting, {}, ("multi_gpu_train.json",))
    finally:
        dist.destroy_process_group()


def train(name: str, kind: str, setting: Setting, options: dict[str, Any], overlays: Sequence[str]) -> Iterator[Row]:
    """A few steps: the loss is a number, and falls on what is seen again and again."""
    batches = [batch_of(name, setting)] * setting.steps
    config, losses, times = ConfigParser(globals={"batches": batches}), list[float](), [clock(setting.device)]
    config.read_config([str(BUNDLES / name / "configs" / file) for file in ("train.json", *overlays)])
    config.update({"bundle_root": str(BUNDLES / name), "max_epochs": 1, "train::dataloader": "$batches", **options})
    config.update(
        {"device": f"$torch.device('{setting.device}')", "steps_per_epoch": setting.steps, "image_size": setting.side}
    )
    clip = {"_target_": "monai_i2v.handlers.ClipGradients", "network": "@network_def"}
    config.update({"train::handlers": [clip] if name == MEMORY else []})
    torch.manual_seed(0)
    trainer = config.get_parsed_content("train::trainer")

    def note(engine: Any) -> None:
        output = engine.state.output
        losses.append(
            float(torch.as_tensor((output[0] if isinstance(output, list) else output)["loss"]).detach().mean())
        )
        times.append(clock(setting.device))

    trainer.add_event_handler(Events.ITERATION_COMPLETED, note)
    trainer.run()
    what = f"{name}, {kind}"
    yield Row("training", what, losses[-1] / losses[0], "of the first loss left", ok=math.isfinite(sum(losses)))
    yield Row(
        "training",
        what,
        1e3 * min(after - before for before, after in pairwise(times[1:])),
        "ms per step",
    )


def batch_of(name: str, setting: Setting) -> dict[str, Tensor]:
    """What the bundle's data loader gives, of random pictures with a square."""
    b, side = 4, setting.side
    generator = torch.Generator().manual_seed(0)
    square = torch.zeros(b, 1, side, side)
    square[..., side // 4 : side // 2, side // 4 : side // 2] = 1
    pictures = torch.rand(3, b, 3, side, side, generator=generator) / 2 + square / 2
    if name == IMAGE:
        return {"image": pictures[0], "label": square, "support": pictures[1], "support_mask": square}
    masks = torch.cat([square, square.flip(-1)], dim=1)
    return {"image": pictures.transpose(0, 1), "label": masks.unsqueeze(1).expand(-1, 3, -1, -1, -1), "masks": masks}


# Speed


class Noise(Video):
    """Movie frames of noise, which cost nothing to decode."""

    def __init__(self, length: int, size: tuple[int, int]) -> None:
        super().__init__(VideoInfo("noise", "array", length, *size))
        self.pictures = np.random.RandomState(0).randint(0, 256, (4, *size, 3), np.uint8)

    def read(self, index: int) -> np.ndarray:
        """See `Video.read`."""
        return self.pictures[index % len(self.pictures)]


def speed(setting: Setting) -> Iterator[Row]:
    """Frames per second and memory of the memory network, from stored bytes to probabilities at the video's size."""
    network = memory_network(setting)
    for size, objects in product(setting.sizes, setting.objects):
        if setting.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(setting.device)
        frames = carried(network, setting, size, objects)
        for _ in range(WARM_UP):
            next(frames)
        begin = clock(setting.device)
        count = sum(1 for _ in frames)
        seconds = clock(setting.device) - begin
        what = f"{size[0]} x {size[1]}, {objects} objects"
        yield Row("speed", what, count / seconds, "frames per s")
        yield Row("speed", what, peak_mib(setting.device), "MiB at most")


WARM_UP = 4  # frames


def memory_network(setting: Setting) -> Any:
    """The network of the memory bundle."""
    return Bundle(BUNDLES / MEMORY, device=str(setting.device)).network


def carried(network: Any, setting: Setting, size: tuple[int, int], objects: int) -> Iterator[Any]:
    """Results of a video of noise, whose lower half is objects in upright stripes."""
    masks = torch.zeros(objects, *size)
    for mask, columns in zip(masks, torch.arange(size[1]).chunk(objects), strict=False):
        mask[size[0] // 2 :, columns] = 1
    video = Noise(setting.frames + WARM_UP, size)
    return PropagationInferer(None).stream(video, network, masks.to(setting.device))


def peak_mib(device: torch.device) -> float:
    """The most memory that was allocated on a GPU, or held by the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / KIB_PER_MIB**2
    return resident_mib("VmHWM")


# Waits


def waits(setting: Setting) -> Iterator[Row]:
    """How often the host waits for the device per frame, as the profiler sees it, and how often it reads a number."""
    frames = carried(memory_network(setting), setting, setting.sizes[0], setting.objects[0])
    for _ in range(WARM_UP):
        next(frames)
    with torch.profiler.profile() as profile:
        count = sum(1 for _ in frames)
        clock(setting.device)
    found = Counter({event.key: event.count for event in profile.key_averages()})
    is_gpu = setting.device.type == "cuda"
    total = sum(found[name] for name in WAITING) - (2 if is_gpu else 0)  # two are the end's
    yield Row(
        "waits", "per frame", total / count, "waits of the host", ok=total / count <= MOST_WAITS if is_gpu else None
    )
    yield Row("waits", "per frame", found["aten::_local_scalar_dense"] / count, "numbers read")


CHECKS: dict[str, Check] = {
    "equality": equality,
    "speed": speed,
    "waits": waits,
    "adaptation": adaptation,
    "training": training,
}


def device_name(device: torch.device) -> str:
    """What a person calls the device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def table_line(row: Row) -> str:
    """A row in Markdown."""
    verdict = {None: "", True: "ok", False: "FAILED"}[row.ok]
    return f"| {row.check} | {row.what} | {row.value:.4g} {row.unit} | {verdict} |"


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
