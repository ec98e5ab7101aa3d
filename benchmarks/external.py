# SPDX-License-Identifier: Apache-2.0
"""Published systems behind our interface: do they give what their own loops give, how fast are they, what do they keep?

    python benchmarks/external.py --clones FOLDER --systems sam2.1_tiny,cutie_small,xmem,aott

``FOLDER`` holds clones by the names of their repositories (``Cutie``, ``XMem``, ``aot-benchmark``); SAM 2 is the
installed package. ``--weights FOLDER`` holds checkpoints as ``NAME.pt``; without them weights are random.

*equal* carries two objects of three (one is absent) through a clip, by our adapter and by the system's own loop.
*session* does the same by the bundle, from a file of frames to files of masks, and by a `VideoSession`; both keep
probabilities in steps of 1/65,535, and so are the labels of the own loop taken.
*speed* lets the systems and the shipped network take turns in one process; CPU-seconds, as load does not change them.
*memory* carries on for many frames, and says what the state holds and the process needs.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from accuracy import Bundle
from arguments import names_of
from fresh_process import resident_mib
from grid import BUNDLES, EXTERNAL, MEMORY
from monai.bundle import ConfigParser
from PIL import Image
from torch import Tensor

from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.external import build_external, load_external
from monai_i2v.external.build_sam2 import SAM2_CONFIGS
from monai_i2v.external.cutie import CUTIE_CONFIGS
from monai_i2v.external.external_segmenter import imagenet_normalized
from monai_i2v.networks import occurring_classes, soft_aggregate
from monai_i2v.propagation import follow, propagate
from monai_i2v.session import VideoSession
from monai_i2v.tracking.mask_store import in_steps
from monai_i2v.transforms import masks_to_labels

OURS = "tcmn"
LABELS = [1, 2, 3]
STEP = 1 / 65535  # of probabilities that a session keeps
WARM_UP = 2  # steps
KEPT = 0.1  # share of the frames until every memory is full

Loop = Callable[[Any, Sequence[Tensor], Tensor], Iterator[Tensor]]
"""From the adapter, frames (3, H, W) and masks (N, H, W) of frame 0 to probabilities (N, H, W) of the later frames."""


def sam2_loop(system: Any, frames: Sequence[Tensor], masks: Tensor, *, config: str) -> Iterator[Tensor]:
    """SAM 2's predictor over a folder of pictures (without loss: they are PNG files in spite of their names).

    The package builds the predictor, with what its released one is set to beside the configuration.
    """
    from sam2.build_sam import build_sam2_video_predictor

    grid, size = [system.size // 16] * 2, system.size
    attention = [f"++model.memory_attention.layer.{kind}_attention.feat_sizes={grid}" for kind in ("self", "cross")]
    stable = "++model.sam_mask_decoder_extra_args.dynamic_multimask"
    overrides = [
        f"++model.image_size={size}",
        *attention,
        f"{stable}_via_stability=true",
        f"{stable}_stability_delta=0.05",
        f"{stable}_stability_thresh=0.98",
        "++model.binarize_mask_from_pts_for_mem_enc=true",
    ]
    predictor = build_sam2_video_predictor(
        f"configs/sam2.1/{config}",
        device="cpu",
        apply_postprocessing=False,
        hydra_overrides_extra=overrides,
    )
    predictor.load_state_dict(system.network.state_dict())
    with TemporaryDirectory() as folder:
        for index, frame in enumerate(frames):
            picture(frame).save(Path(folder, f"{index}.jpg"), format="PNG")
        state = predictor.init_state(folder)
    for number, mask in enumerate(masks, start=1):
        predictor.add_new_mask(state, frame_idx=0, obj_id=number, mask=mask > 0.5)
    present = occurring_classes(masks.unsqueeze(0))
    for index, _, logits in predictor.propagate_in_video(state):
        if index:
            yield soft_aggregate(logits.transpose(0, 1), present)[0]


def cutie_loop(system: Any, frames: Sequence[Tensor], masks: Tensor) -> Iterator[Tensor]:
    """Cutie's script for a video: a map of labels for the first frame."""
    core = system.core(system.network, cfg=system.config)
    objects = list(range(1, len(masks) + 1))
    core.step(frames[0], label_map(masks), objects=objects)
    for frame in frames[1:]:
        yield core.step(frame)[1:]


def xmem_loop(system: Any, frames: Sequence[Tensor], masks: Tensor) -> Iterator[Tensor]:
    """XMem's evaluation."""
    core = system.core(system.network, config=system.config)
    core.set_all_labels(list(range(1, len(masks) + 1)))
    for index, frame in enumerate(frames):
        given = (masks, core.all_labels) if index == 0 else (None, None)
        prob = core.step(imagenet_normalized(frame), *given, end=index == len(frames) - 1)
        if index:
            yield prob[1:]


def aot_loop(system: Any, frames: Sequence[Tensor], masks: Tensor) -> Iterator[Tensor]:
    """AOT's evaluation."""
    engine = system.engine(aot_model=system.network).eval()
    first = label_map(masks)[None, None].float()
    engine.add_reference_frame(imagenet_normalized(frames[0])[None], first, obj_nums=[len(masks)], frame_step=0)
    for frame in frames[1:]:
        engine.match_propogate_one_frame(imagenet_normalized(frame)[None])
        prob = engine.decode_current_logits(tuple(frame.shape[-2:])).softmax(dim=1)
        label = prob.argmax(dim=1, keepdim=True).float()
        engine.update_memory(F.interpolate(label, size=engine.input_size_2d, mode="nearest"))
        yield prob[0, 1 : 1 + len(masks)]


def loop_of(name: str) -> Loop:
    """The own loop of a system."""
    if name in SAM2_CONFIGS:
        return partial(sam2_loop, config=SAM2_CONFIGS[name][0])
    if name in CUTIE_CONFIGS:
        return cutie_loop
    return xmem_loop if name == "xmem" else aot_loop


def build(name: str, args: argparse.Namespace) -> Any:
    """A system behind our interface."""
    repository = EXTERNAL[name] and args.clones / EXTERNAL[name]
    size = args.side if name in SAM2_CONFIGS else None
    if args.weights is not None:
        return load_external(name, repository, args.weights / f"{name}.pt", size)
    torch.manual_seed(0)
    system = build_external(name, repository, size)
    with torch.no_grad():
        for key, weights in system.network.named_parameters():
            if "key_proj" in key:  # XMem's softmax overflows with random keys
                weights.mul_(0.02)
            if (
                key == "pred_obj_score_head.layers.2.bias"
                or key == "sam_mask_decoder.pred_obj_score_head.layers.2.bias"
            ):
                weights.fill_(10.0)  # SAM 2 believes that the object is there
    return system


def scene(length: int, side: int) -> tuple[list[Tensor], Tensor]:
    """Frames (3, H, W) of 8 bits, and masks (3, H, W), of which the second is empty."""
    noise = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, side, side + length), np.uint8))
    frames = [noise[..., shift : shift + side].float() / 255 for shift in range(length)]
    masks = torch.zeros(3, side, side)
    masks[0, side // 8 : side // 2, side // 8 : side // 2] = 1
    masks[2, side // 2 :, side // 2 : side - 8] = 1
    return frames, masks


def picture(frame: Tensor) -> Image.Image:
    """A frame (3, H, W) of 8 bits."""
    return Image.fromarray((frame * 255).round().byte().permute(1, 2, 0).numpy())


def label_map(masks: Tensor) -> Tensor:
    """Labels (H, W) of masks (N, H, W)."""
    return masks_to_labels(masks, list(range(1, len(masks) + 1))).long()


def check_equal(name: str, args: argparse.Namespace) -> None:
    """Our adapter against the system's own loop."""
    system, (frames, masks) = build(name, args), scene(args.frames, side_of(name, args))
    ours = [prob[0] for prob in propagate(system, [frame[None] for frame in frames], masks[None])][1:]
    own = [prob.clone() for prob in loop_of(name)(system, frames, masks[[0, 2]])]
    apart = max((mine[[0, 2]] - other).abs().max().item() for mine, other in zip(ours, own, strict=True))
    spread = own[-1].std().item()
    print(f"| {name} | {system.source} | {len(own)} | {apart:.3g} | {max(p[1].max() for p in ours):g} | {spread:.3f} |")


def check_session(name: str, args: argparse.Namespace) -> None:
    """The bundle and a session against the system's own loop."""
    system, (frames, masks) = build(name, args), scene(args.session_frames, side_of(name, args))
    own = [prob.clone() for prob in loop_of(name)(system, frames, masks[[0, 2]])]
    session = VideoSession(system, frames, size=None)
    session.annotate(0, masks_to_labels(masks, LABELS).numpy())
    for _ in session.propagate():
        pass
    apart = max((session.probabilities(t) - prob).abs().max().item() for t, prob in enumerate(own, start=1))
    with TemporaryDirectory() as folder:
        written = by_bundle(name, system, frames, masks, Path(folder), args)
    labels = torch.stack([masks_to_labels(in_steps(prob), [1, 3]) for prob in own])
    wrong = int((labels != written[1:]).sum())
    print(f"| {name} | {len(own)} | {apart:.3g} (step {STEP:.3g}) | {wrong} of {written[1:].numel()} |")


def by_bundle(
    name: str, system: Any, frames: Sequence[Tensor], masks: Tensor, folder: Path, args: argparse.Namespace
) -> Tensor:
    """Label maps (T, H, W) that the bundle writes, from pictures and a checkpoint on the disk."""
    (folder / "frames").mkdir()
    for index, frame in enumerate(frames):
        picture(frame).save(folder / "frames" / f"{index:03}.png")
    Image.fromarray(masks_to_labels(masks, LABELS).byte().numpy()).save(folder / "mask.png")
    torch.save(system.network.state_dict(), folder / "weights.pt")
    repository = EXTERNAL[name] and str(args.clones / EXTERNAL[name])
    size = args.side if system.frame_size is None else side_of(name, args)
    bundle, config = BUNDLES / MEMORY, ConfigParser()
    config.read_config([bundle / "configs" / file for file in ("inference.json", "external.json")])
    paths = {"video": "frames", "ref_mask": "mask.png", "checkpoint": "weights.pt", "output_dir": "out"}
    config.update({key: str(folder / path) for key, path in paths.items()})
    config.update({"bundle_root": str(bundle), "method": name, "repository": repository, "size": size, "device": "cpu"})
    config.get_parsed_content("evaluator").run()
    maps = [np.asarray(Image.open(path)) for path in sorted((folder / "out/frames/masks").glob("*.png"))]
    return torch.from_numpy(np.stack(maps))


def side_of(name: str, args: argparse.Namespace) -> int:
    """Side of the frames, px: what the system takes as it is."""
    return args.side + 1 if "aot" in name else int(args.side)


@torch.no_grad()
def check_speed(names: Sequence[str], args: argparse.Namespace) -> None:
    """CPU-seconds per frame, the best of some turns."""
    networks = {OURS: Bundle(BUNDLES / MEMORY, device="cpu").network, **{name: build(name, args) for name in names}}
    frames, masks = scene(WARM_UP + args.turn_frames + 1, args.side)
    clip, best = [frame[None] for frame in frames], dict.fromkeys(networks, float("inf"))
    for _ in range(args.repeats):
        for name, network in networks.items():
            state = network.start(clip[0], masks[None, [0, 2]])
            *_, (_, state) = follow(network, clip[1 : 1 + WARM_UP], state)
            begin = time.process_time()
            for _ in follow(network, clip[1 + WARM_UP :], state):
                pass
            best[name] = min(best[name], (time.process_time() - begin) / args.turn_frames)
    for name, seconds in best.items():
        print(f"| {name} | {args.side} | {1e3 * seconds:.0f} | {seconds / best[OURS]:.1f} | {os.getloadavg()[0]:.1f} |")


@torch.no_grad()
def check_memory(name: str, args: argparse.Namespace) -> None:
    """What a state holds, and the process needs, over many frames."""
    system, (frames, masks) = build(name, args), scene(16, side_of(name, args))
    state, samples = system.start(frames[0][None], masks[None]), []
    looks = {int(args.memory_frames * KEPT), args.memory_frames}
    visits = (frames[index % 16][None] for index in range(1, args.memory_frames + 1))
    for count, (_, now) in enumerate(follow(system, visits, state), start=1):
        if count in looks:
            samples.append(f"{held_mib(now, system):.2f} ({resident_mib():.0f})")
    print(f"| {name} | {side_of(name, args)} | {args.memory_frames} | {' | '.join(samples)} |", flush=True)


def held_mib(state: Any, system: Any) -> float:
    """Tensors that can be reached from a state and are not the network's, MiB."""
    seen, waiting, storages = {id(system.network)}, [state], dict[int, int]()
    own = {tensor.untyped_storage().data_ptr() for tensor in system.network.state_dict().values()}
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type | ModuleType | FunctionType):
            continue
        seen.add(id(thing))
        if isinstance(thing, Tensor):
            storage = thing.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
        elif not isinstance(thing, torch.nn.Module) or thing is not system.network:
            waiting += gc.get_referents(thing)
    return sum(size for address, size in storages.items() if address not in own) / 2**20


HEADS = {
    "equal": "| system | source | frames | largest difference | absent object | spread |",
    "session": "| system | frames | session, largest difference | bundle, pixels of another label |",
    "speed": "| network | side, px | CPU-ms per frame | x ours | load |",
    "memory": "| system | side, px | frames | held after 10 %, MiB (process) | held at the end, MiB (process) |",
}
CHECKS = {"equal": check_equal, "session": check_session, "memory": check_memory}


def main(argv: Sequence[str] | None = None) -> None:
    """Check what the command line asks for, and print it."""
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    print(f"torch {torch.__version__}, {args.threads} thread, load {os.getloadavg()[0]:.1f}")
    for check in args.checks:
        print(f"\n{HEADS[check]}\n{'|---' * HEADS[check].count('| ')}|", flush=True)
        if check == "speed":
            check_speed(args.systems, args)
            continue
        for name in args.systems:
            CHECKS[check](name, args)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    systems = [name for name in EXTERNAL if name != "stcn"]  # its own loop needs a GPU
    parser.add_argument("--systems", type=names_of("system", systems), default=systems, help=f"of {','.join(systems)}")
    parser.add_argument("--checks", type=names_of("check", HEADS), default=list(HEADS), help=f"of {','.join(HEADS)}")
    parser.add_argument("--clones", type=Path, required=True, help="folder of clones, by the names of repositories")
    parser.add_argument("--weights", type=Path, help="folder of checkpoints; random weights if not given")
    parser.add_argument("--side", type=int, default=128, help="of the frames, px, a multiple of 32")
    parser.add_argument("--frames", type=int, default=18, help="of the clip; SAM 2 needs 16 to know no end")
    parser.add_argument("--session-frames", type=int, default=18, help="of the clip of a session")
    parser.add_argument("--turn-frames", type=int, default=10, help="of a turn of speed")
    parser.add_argument("--repeats", type=int, default=3, help="turns")
    parser.add_argument("--memory-frames", type=int, default=2000, help="of the long clip")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    return parser.parse_args(argv)


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
