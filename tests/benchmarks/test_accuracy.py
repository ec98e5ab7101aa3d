# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from PIL import Image

from monai_i2v.errors import UsageError
from monai_i2v.phantoms import Phantom

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "test_time_training_video_segmentation"
SIDE = 48  # px
SQUARE = slice(10, 20)


@pytest.fixture
def accuracy(load_benchmark: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with fakes beside `copy`: ``image`` finds nothing, ``first`` copies the first object only."""
    script = load_benchmark("accuracy")
    monkeypatch.setitem(script.METHODS, "image", lambda bundle, frames, masks: (0 * masks for _ in frames))
    first = torch.tensor([1.0, 0.0]).view(2, 1, 1)
    monkeypatch.setitem(script.METHODS, "first", lambda bundle, frames, masks: (first * masks for _ in frames))
    return script


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network of the bundle."""
    config = ConfigParser(json.loads((BUNDLE / "configs" / "inference.json").read_text()))
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(config.get_parsed_content("network_def").state_dict(), path)
    return path


@pytest.fixture
def run(accuracy: ModuleType, tmp_path: Path, checkpoint: Path) -> Callable[..., dict[str, Any]]:
    """Run the script on the clips in ``tmp_path / "data"`` and return the JSON."""
    output = tmp_path / "out.json"
    files = ["--data", str(tmp_path / "data"), "--output", str(output), "--checkpoint", str(checkpoint)]

    def main(*words: str) -> dict[str, Any]:
        accuracy.main([*files, "--device", "cpu", "--phantoms", "0", *words])
        return json.loads(output.read_text())

    return main


def save_clip(folder: Path, masks: Sequence[np.ndarray | None], size: tuple[int, int] = (SIDE, SIDE)) -> None:
    """A phantom's frames with these masks; None leaves a frame without a mask file."""
    for name in ("frames", "masks"):
        (folder / name).mkdir(parents=True)
    phantom = Phantom(length=len(masks), size=size)
    for index, mask in enumerate(masks):
        Image.fromarray(phantom.read(index)[..., 0]).save(folder / "frames" / f"{index:05d}.jpg")
        if mask is not None:
            Image.fromarray(mask).save(folder / "masks" / f"{index:05d}.png")


def label_map(shift: int = 0, *, moving: int = 1, still: int = 7) -> np.ndarray:
    """A square of 10 x 10 px, `shift` px to the right, and one of 5 x 5 px that stays where it is."""
    labels = np.zeros((SIDE, SIDE), dtype=np.uint8)
    labels[SQUARE, 10 + shift : 20 + shift] = moving
    labels[40:45, 40:45] = still
    return labels


def test_copy_gives_the_overlap_of_two_squares(run: Callable, tmp_path: Path) -> None:
    save_clip(tmp_path / "data" / "disc_a", [label_map(), label_map(5), label_map(10)])
    moving, still = run("--methods", "copy")["rows"]
    assert (moving["object"], moving["frames"]) == (1, 2)
    assert moving["dice"] == pytest.approx((0.5 + 0) / 2)  # 2 * 50 / (100 + 100), then nothing
    assert moving["iou"] == moving["j"] == pytest.approx((1 / 3 + 0) / 2)  # 50 / 150
    assert (still["object"], still["dice"], still["j"], still["f"]) == (7, 1, 1, 1)


def test_frames_without_mask_file_or_without_the_object_do_not_count(run: Callable, tmp_path: Path) -> None:
    save_clip(tmp_path / "data" / "disc_a", [label_map(), None, label_map(5), label_map(moving=0), label_map()])
    moving, still = run("--methods", "copy")["rows"]
    assert (moving["frames"], still["frames"]) == (2, 3)
    assert moving["dice"] == pytest.approx((0.5 + 1) / 2)


def test_objects_of_a_clip_are_segmented_together_but_scored_apart(run: Callable, tmp_path: Path) -> None:
    save_clip(tmp_path / "data" / "disc_a", [label_map(), label_map()])
    assert [row["dice"] for row in run("--methods", "first")["rows"]] == [1, 0]


@pytest.mark.parametrize(("pixels", "scored"), [(4, False), (5, True)])  # 0.2 % of 48 x 48 px are 4.6 px
def test_an_object_that_is_tiny_in_frame_0_is_not_scored(
    run: Callable, tmp_path: Path, pixels: int, scored: bool
) -> None:
    first = label_map(still=0)
    first[40, :pixels] = 7
    save_clip(tmp_path / "data" / "disc_a", [first, label_map()])
    assert [row["object"] for row in run("--methods", "copy")["rows"]] == [1, 7][: 1 + scored]


def test_a_clip_with_nothing_to_score_is_not_run(accuracy: ModuleType, clips: ModuleType, tmp_path: Path) -> None:
    save_clip(tmp_path / "data" / "disc_a", [label_map(), None])
    (clip,) = clips.find_clips(tmp_path / "data")
    assert accuracy.measure("copy", accuracy.copy_first_mask, None, clip) == []  # a run would need a bundle


def test_a_method_sees_frames_and_masks_at_the_clips_own_size(
    run: Callable, accuracy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = np.zeros((32, 64), dtype=np.uint8)
    mask[4:20, 8:40] = 3
    save_clip(tmp_path / "data" / "wide_a", [mask, mask], size=(32, 64))
    seen = []

    def remember(bundle: Any, frames: Sequence[torch.Tensor], masks: torch.Tensor) -> list[torch.Tensor]:
        seen.extend([frames[1].shape, masks.shape])
        return [masks, masks]

    monkeypatch.setitem(accuracy.METHODS, "remember", remember)
    assert run("--methods", "remember")["rows"][0]["dice"] == 1
    assert seen == [(3, 32, 64), (1, 32, 64)]


def test_the_table_averages_objects_then_clips(run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    save_clip(tmp_path / "data" / "disc_a", [label_map(), label_map(5)])  # 0.5 and 1
    save_clip(tmp_path / "data" / "disc_b", [label_map(still=0), label_map(10, still=0)])  # 0
    save_clip(tmp_path / "data" / "eye_a", [label_map(), label_map()])  # 1 and 1
    run("--methods", "image,copy")
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines[0].split() == [
        "Dice",
        "/",
        "J",
        "/",
        "F",
        "disc",
        "(2)",
        "eye",
        "(1)",
        "s/frame",
        "px",
        "where",
        "empty",
    ]
    assert lines[2].startswith("copy          0.375 / 0.333 / ")  # J: 1/3 and 1; 0
    assert lines[5].startswith("copy")
    assert "+0.375 [+0.000, +0.750]  +1.000" in lines[5]
    assert lines[-1].startswith("Two small sets")


def test_a_run_goes_on_where_it_was_killed(
    run: Callable,
    accuracy: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    for name in ("disc_a", "disc_b"):
        save_clip(tmp_path / "data" / name, [label_map(), label_map()])
    runs = []

    def killed_at_the_second(bundle: Any, frames: Sequence[torch.Tensor], masks: torch.Tensor) -> list[torch.Tensor]:
        runs.append(len(frames))
        if len(runs) == 2:
            raise KeyboardInterrupt
        return [masks for _ in frames]

    monkeypatch.setitem(accuracy.METHODS, "counted", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        run("--methods", "counted")
    assert [row["clip"] for row in run("--methods", "counted")["rows"]] == ["disc_a", "disc_a", "disc_b", "disc_b"]
    assert len(runs) == 3
    run("--methods", "counted,copy")
    assert len(runs) == 3
    assert "2 of 4 results are in out.json already" in capsys.readouterr().out


def test_results_of_other_settings_are_not_continued(run: Callable, tmp_path: Path) -> None:
    save_clip(tmp_path / "data" / "disc_a", [label_map(), label_map()])
    run("--methods", "copy")
    with pytest.raises(UsageError, match=r"out\.json was made with another seed, expected the same"):
        run("--methods", "copy", "--seed", "1")


def test_the_file_tells_how_it_was_made_but_not_where(run: Callable, tmp_path: Path) -> None:
    save_clip(tmp_path / "data" / "disc_a", [label_map(), label_map()])
    content = run("--methods", "copy", "--limit", "3")
    assert list(content) == ["rows", "settings", "command", "peak_mib"]
    fields = ["method", "clip", "object", "frames", "dice", "iou", "j", "f", "seconds_per_frame", "false_positive_px"]
    assert all(list(row) == fields for row in content["rows"])
    assert content["settings"]["size"] == 256
    assert "--data data --limit 3 --phantoms 0" in content["command"]
    assert "--output out.json --methods copy" in content["command"]
    assert str(tmp_path) not in json.dumps(content)


def test_presets_are_set_up_as_the_bundle_says(accuracy: ModuleType, checkpoint: Path) -> None:
    bundle = accuracy.Bundle(BUNDLE, checkpoint=str(checkpoint), device="cpu", seed=5, size=64)
    assert not bundle.with_preset("memory_only")[1].trains
    anchored = bundle.with_preset("anchored")[1]
    assert (anchored.trains, anchored.memory["key"], anchored.seed) == (True, "matching", 5)
    assert bundle.inferer.size == 64


def test_the_bundles_network_gives_the_same_on_repeat(
    accuracy: ModuleType, clips: ModuleType, tmp_path: Path, checkpoint: Path
) -> None:
    bundle = accuracy.Bundle(BUNDLE, checkpoint=str(checkpoint), device="cpu", size=SIDE)
    save_clip(tmp_path / "disc_a", [label_map(), label_map()])
    (clip,) = clips.find_clips(tmp_path)
    first, again = (accuracy.measure("memory_only", accuracy.METHODS["memory_only"], bundle, clip) for _ in range(2))
    assert [row.dice for row in first] == [row.dice for row in again]
    assert bundle.facts()["checkpoint_sha256"] == hashlib.sha256(checkpoint.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ([None, label_map()], "disc_a has no mask of frame 0, expected one to start from"),
        (
            [label_map(), label_map()[:40]],
            "disc_a/masks has masks of 48 x 40 px, but the video .* has 2 frames of 48 x 48 px",
        ),
    ],
)
def test_masks_that_do_not_fit_are_refused(
    run: Callable, tmp_path: Path, masks: list[np.ndarray | None], message: str
) -> None:
    save_clip(tmp_path / "data" / "disc_a", masks)
    with pytest.raises(UsageError, match=message):
        run("--methods", "copy")


def test_unknown_names_are_answered_with_the_choices(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(UsageError, match="holds no clips"):
        run()
    save_clip(tmp_path / "data" / "disc_a", [label_map()])
    with pytest.raises(UsageError, match="clips is 'eye', expected the start of one of: disc_a"):
        run("--clips", "eye")
    with pytest.raises(SystemExit):
        run("--methods", "copy,foo")
    assert "no method 'foo'; choose from copy, image" in capsys.readouterr().err
