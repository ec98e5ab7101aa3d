# SPDX-License-Identifier: Apache-2.0
"""The figures of `docs/concepts.md`, drawn from phantoms with the shipped memory network.

    python docs/site/draw_figures.py

writes `docs/figures/*.png`; the same command draws the same figures.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from monai.bundle import ConfigParser
from PIL import Image
from torch import Tensor

from monai_i2v.inferers import PropagationInferer
from monai_i2v.memory import affinity, similarity
from monai_i2v.metrics import dice
from monai_i2v.phantoms import Phantom
from monai_i2v.report import overlay
from monai_i2v.session import VideoSession
from monai_i2v.transforms import labels_to_masks, masks_to_labels

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs" / "figures"
BUNDLE = ROOT / "bundles" / "temporal_contrastive_memory_video_segmentation"
SIZE = (192, 192)
CELL = 16  # px of a place in the memory
INK, ACCENT, FAINT = "#333333", "#0072b2", "#bbbbbb"


def main() -> None:
    """Draw all figures."""
    torch.manual_seed(0)
    network = shipped_network()
    figures = {
        "one_video": one_video(network),
        "state": state(),
        "memory": memory(network),
        "adaptation": adaptation(network),
        "session": session(network),
        "absence": absence(network),
    }
    FIGURES.mkdir(exist_ok=True)
    for name, figure in figures.items():
        save(figure, FIGURES / f"{name}.png")


def save(figure: Figure, path: Path) -> None:
    """A small PNG: 256 colors are enough."""
    file = io.BytesIO()
    figure.savefig(file, dpi=100)
    plt.close(figure)
    Image.open(file).convert("RGB").quantize(256).save(path, optimize=True)


def shipped_network() -> Any:
    """The memory network as its bundle uses it."""
    config = ConfigParser()
    config.read_config(BUNDLE / "configs" / "inference.json")
    config["bundle_root"] = str(BUNDLE)
    return config.get_parsed_content("network")


def picture(axes: Axes, video: Phantom, index: int, label_map: np.ndarray | None = None, title: str = "") -> None:
    """A frame, with its objects when they are given."""
    empty = np.zeros(SIZE, int)
    axes.imshow(overlay(video.read(index), empty if label_map is None else label_map, labels=[1, 2, 3]))
    axes.set_title(title, fontsize=9, color=INK)
    axes.set_axis_off()


def true_masks(video: Phantom, index: int, labels: Sequence[int] = (1, 2)) -> Tensor:
    """Masks (K, H, W)."""
    return labels_to_masks(torch.from_numpy(video.label_map(index)), labels)


def arrow(
    axes: Axes, begin: tuple[float, float], end: tuple[float, float], color: str = INK, bend: float = 0.0
) -> None:
    """An arrow in the coordinates of the axes."""
    style = {"arrowstyle": "->", "color": color, "lw": 1.4, "connectionstyle": f"arc3,rad={bend}"}
    axes.annotate("", end, begin, arrowprops=style)


def segment(network: Any, video: Phantom, labels: Sequence[int] = (1, 2)) -> list[Tensor]:
    """Probabilities (K, H, W) of each frame, from the mask of the first."""
    with torch.no_grad():
        return [result.prob for result in PropagationInferer(None).stream(video, network, true_masks(video, 0, labels))]


def one_video(network: Any) -> Figure:
    """Frames and one mask in; masks and a curve out."""
    video = Phantom("ultrasound", length=26, size=SIZE, objects=2)
    found = [masks_to_labels(prob, [1, 2]).numpy() for prob in segment(network, video)]
    figure, rows = plt.subplots(2, 5, figsize=(10, 4.2), layout="constrained")
    times = (0, 6, 12, 18)
    for column, index in enumerate(times):
        picture(rows[0, column], video, index, found[0] if index == 0 else None, f"frame {index}")
        picture(rows[1, column], video, index, found[index], "given" if index == 0 else "found")
    rows[0, 4].set_axis_off()
    rows[0, 4].text(0, 0.5, "in: a video, and the\nmask of one frame", fontsize=11, color=INK, va="center")
    for label, color in ((1, "#4590ba"), (2, "#b0a43a")):
        rows[1, 4].plot([(frame == label).sum() for frame in found], color=color)
    rows[1, 4].set_title("out: masks, areas ...", fontsize=11, color=INK)
    rows[1, 4].set(xlabel="frame", yticks=[])
    return figure


def state() -> Figure:
    """`start` and `step`, and what goes from one to the next."""
    figure, axes = plt.subplots(figsize=(10, 2.5), layout="constrained")
    axes.set(xlim=(-0.6, 4.6), ylim=(-0.15, 2.3))
    axes.set_axis_off()
    box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": ACCENT}
    for place in range(5):
        verb = "start" if place == 0 else "step"
        axes.text(place, 1.0, verb, ha="center", va="center", fontsize=12, family="monospace", bbox=box)
        axes.text(place, 2.1, f"frame {place}" + (" + masks" if place == 0 else ""), ha="center", color=INK)
        arrow(axes, (place, 2.0), (place, 1.3))
        if place:
            arrow(axes, (place, 0.72), (place, 0.15))
            axes.text(place, 0.0, "probabilities", ha="center", va="top", color=INK)
        if place < 4:
            arrow(axes, (place + 0.27, 1.0), (place + 0.73, 1.0), ACCENT)
            axes.text(place + 0.5, 1.1, "state", ha="center", fontsize=9, color=ACCENT)
    return figure


def memory(network: Any) -> Figure:
    """Where the places of an object read."""
    video = Phantom("endoscope", length=16, size=SIZE, objects=2, seed=5)
    remembered, now = (0, 5, 10), 15
    inside = video.label_map(now)[CELL // 2 :: CELL, CELL // 2 :: CELL] == 1  # by place
    rows, columns = inside.nonzero()
    with torch.no_grad():
        keys = [network.encode_key(network.encode_frame(video[index][None])) for index in (*remembered, now)]
    known = torch.cat([key.flatten(2) for key in keys[:-1]], dim=2).transpose(1, 2)  # (1, M, D)
    query = keys[-1][..., torch.from_numpy(inside)].transpose(1, 2)  # (1, Q, D)
    weights = affinity(similarity(query, known), top_k=30)[0]  # (Q, M)
    shares = weights.sum(dim=0).unflatten(0, (len(remembered), *inside.shape)).clamp(max=1)
    figure, axes = plt.subplots(1, 4, figsize=(10, 2.9), layout="constrained")
    for one, index, share in zip(axes, remembered, shares, strict=False):
        picture(one, video, index, video.label_map(index), f"remembered frame {index}")
        near = np.kron(share.numpy(), np.ones((CELL, CELL)))
        one.imshow(np.ones(SIZE), cmap="gray", vmin=0, alpha=0.9 * near)
    picture(axes[3], video, now, title=f"frame {now} asks: what is here?")
    axes[3].plot((columns + 0.5) * CELL, (rows + 0.5) * CELL, "o", color="white", markeredgecolor="black")
    return figure


def adaptation(network: Any) -> Figure:
    """A mask cycle: out over two frames, and back to the one whose truth is known."""
    video = Phantom("endoscope", length=30, size=SIZE, objects=2, seed=1, occlusion=True)
    way = (0, 8, 18, 8, 0)
    masks = true_masks(video, 0)[None]
    figure, axes = plt.subplots(1, 5, figsize=(10, 2.6), layout="constrained")
    there: list[Tensor] = [masks]
    with torch.no_grad():
        carried = network.start(video[0][None], masks)
        for index in way[1:]:
            prob, carried = network.step(video[index][None], carried)
            if index == way[2]:
                carried = network.start(video[index][None], prob)
            there.append(prob)
    back = dice(there[-1] > 0.5, masks > 0.5).mean().item()
    titles = ("given", "near", "far: turn around", "near", f"back: Dice {back:.2f}")
    for one, index, prob, title in zip(axes, way, there, titles, strict=True):
        picture(one, video, index, masks_to_labels(prob[0], [1, 2]).numpy(), f"frame {index}, {title}")
    return figure


def session(network: Any) -> Figure:
    """Passes between drawn frames, and who of them knows best."""
    video, drawn = Phantom("ultrasound", length=26, size=SIZE), (0, 14)
    work = VideoSession(network, video, size=None)
    for index in drawn:
        work.annotate(index, video.label_map(index))
    for _frame in work.propagate():
        pass
    figure, axes = plt.subplots(2, 1, figsize=(10, 3.6), height_ratios=(1, 1.3), sharex=True, layout="constrained")
    axes[0].set(ylim=(0, 3), yticks=[], title="one pass from each drawn frame, in both directions, up to the next one")
    for number, (begin, end) in enumerate(((0, 14), (14, 0), (14, 25))):
        arrow(axes[0], (begin, 2.4 - 0.9 * number), (end, 2.4 - 0.9 * number), ACCENT)
    for index in drawn:
        for one in axes:
            one.axvline(index, color=INK, linestyle=":")
    found = [torch.from_numpy(work[index].label_map == 1) for index in range(len(video))]
    real = [torch.from_numpy(video.label_map(index) == 1) for index in range(len(video))]
    axes[1].plot([dice(*pair).item() for pair in zip(found, real, strict=True)], color=ACCENT, label="Dice (the truth)")
    axes[1].plot([work[index].confidence[1] for index in range(len(video))], "--", color=INK, label="confidence")
    axes[1].set(xlabel="frame (dotted: drawn)", ylim=(0.7, 1.01))
    axes[1].legend(loc="lower right", frameon=False)
    return figure


def absence(network: Any) -> Figure:
    """An object that leaves the view, and comes back."""
    video = Phantom("endoscope", length=50, size=SIZE, seed=1, leaves=True)
    figure = plt.figure(figsize=(10, 4.4), layout="constrained")
    top, below = figure.subfigures(2, 1)
    found = segment(network, video, [1])
    for one, index in zip(top.subplots(1, 5), (0, 14, 25, 34, 45), strict=True):
        picture(one, video, index, masks_to_labels(found[index], [1]).numpy(), f"frame {index}")
    axes = below.subplots()
    axes.plot([(video.label_map(index) == 1).sum() for index in range(50)], color=FAINT, linewidth=4, label="truth")
    axes.plot([(prob > 0.5).sum().item() for prob in found], color=ACCENT, label="found")
    axes.set(xlabel="frame", ylabel="area (px)")
    axes.legend(frameon=False, loc="lower left")
    return figure


if __name__ == "__main__":
    main()
