# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from PIL import Image

from monai_i2v.adaptation import ConsistencyRelearner, TestTimeTrainer, registration
from monai_i2v.tracking import AnnotatedVideo

SIZE = 128  # px


@pytest.fixture
def tables(load_benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return load_benchmark("tables")


@pytest.fixture
def grid(load_benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return load_benchmark("grid")


def write_run(output: Path, name: str, seed: int, dice: Mapping[str, float], **other: Any) -> None:
    """A file of a run: one object per clip."""
    (output / "runs").mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "method": name,
            "clip": clip,
            "object": 1,
            "frames": 3,
            "dice": value,
            "iou": value / 2,
            "j": value / 2,
            "f": value / 4,
            "seconds_per_frame": 0.5,
        }
        for clip, value in dice.items()
    ]
    content = {"rows": rows, "settings": {}, "command": "", "peak_mib": 100.0, **other}
    (output / "runs" / f"{name}-{seed}.json").write_text(json.dumps(content))


LENGTHS = {"eye_a": 360, "eye_b": 360, "heart_a": 360}  # frames


def written(tables: ModuleType, names: list[str], output: Path, **other: Any) -> tuple[str, dict[str, Any]]:
    shown = {"seeds": [0, 1], "lengths": LENGTHS, **other}
    tables.write_tables({name: tables.TABLES[name] for name in names}, output, **shown)
    return (output / "tables.md").read_text(), json.loads((output / "tables.json").read_text())


def test_a_row_has_mean_and_spread_over_seeds_and_its_difference_to_the_image_network(
    tables: ModuleType, tmp_path: Path
) -> None:
    write_run(tmp_path, "image", 0, {"eye_a": 0.5, "eye_b": 0.7})
    write_run(tmp_path, "tcmn_anchored", 0, {"eye_a": 0.6, "eye_b": 0.8})
    write_run(tmp_path, "tcmn_anchored", 1, {"eye_a": 0.8, "eye_b": 1.0}, peak_mib=200.0)
    text, numbers = written(tables, ["memory_network"], tmp_path)
    assert "| method | eye (2) J / F / Dice | Dice - image's | s/frame | MiB |" in text
    assert "| image network | 30.0 / 15.0 / 60.0 |  | 0.50 | 100 |" in text
    assert "| TCMN, `anchored` | 40.0 ± 7.1 / 20.0 ± 3.5 / 80.0 ± 14.1 | +20.0 [+20.0, +20.0] | 0.50 | 200 |" in text
    row = numbers["memory_network"][-1]
    assert (row["method"], row["seeds"]) == ("TCMN, `anchored`", 2)
    assert row["families"]["eye"]["dice"] == pytest.approx([0.7, 0.9])


def test_a_table_shows_the_seeds_and_clips_that_are_asked_for(tables: ModuleType, tmp_path: Path) -> None:
    write_run(tmp_path, "image", 0, {"eye_a": 0.5, "eye_b": 0.7})
    write_run(tmp_path, "tcmn_anchored", 0, {"eye_a": 0.6, "eye_b": 0.8})
    write_run(tmp_path, "tcmn_anchored", 1, {"eye_a": 0.8})
    text, _ = written(tables, ["memory_network"], tmp_path, seeds=[0])
    assert "| TCMN, `anchored` | 35.0 / 17.5 / 70.0 | +10.0 [+10.0, +10.0] |" in text
    text, _ = written(tables, ["memory_network"], tmp_path, lengths={"eye_b": 360})
    assert "| image network | 35.0 / 17.5 / 70.0 |" in text
    assert "TCMN, `anchored`" not in text  # seed 1 has not come to it yet


def test_a_mean_over_seeds_is_that_of_the_clips_that_all_have(tables: ModuleType, tmp_path: Path) -> None:
    write_run(tmp_path, "tcmn_anchored", 0, {"eye_a": 0.6, "eye_b": 1.0})
    write_run(tmp_path, "tcmn_anchored", 1, {"eye_a": 0.8})
    text, numbers = written(tables, ["memory_network"], tmp_path)
    assert "eye (1)" in text
    assert numbers["memory_network"][0]["families"]["eye"]["dice"] == pytest.approx([0.6, 0.8])


def test_the_time_of_all_runs_is_said(tables: ModuleType, tmp_path: Path) -> None:
    write_run(tmp_path, "image", 0, {"eye_a": 0.5, "eye_b": 0.7})
    write_run(tmp_path, "tcmn_anchored", 0, {"eye_a": 0.6})
    write_run(tmp_path, "tcmn_anchored", 1, {"eye_a": 0.6})
    text, _ = written(tables, ["memory_network"], tmp_path)
    assert "All of it took 0.2 hours" in text  # 4 x 360 frames x 0.5 s


def test_what_was_not_measured_has_no_number(tables: ModuleType, tmp_path: Path) -> None:
    write_run(tmp_path, "image", 0, {"eye_a": 0.5, "heart_a": 0.5})
    write_run(tmp_path, "ttt_anchored", 0, {"heart_a": 0.6})
    text, numbers = written(tables, ["methods"], tmp_path)
    assert "| TTT, `anchored` | - / - |  | - | 60.0 / 30.0 | +10.0 | 0.50 | 100 |" in text
    assert "RBN" not in text
    assert list(numbers["methods"][-1]["families"]) == ["heart"]


def test_a_figure_is_drawn(tables: ModuleType, tmp_path: Path) -> None:
    for measure in ("l2", "dot"):
        write_run(tmp_path, f"similarity_{measure}", 0, {"eye_a": 0.5})
    written(tables, ["similarity"], tmp_path)
    assert (tmp_path / "similarity.png").stat().st_size > 1000


def test_what_was_measured_is_kept(
    tables: ModuleType, clips: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A process of its own for each run takes seconds to start.
    monkeypatch.setattr(tables, "in_fresh_process", lambda function, *args: function(*args))
    words = ["--output", str(tmp_path / "out"), "--tables", "similarity", "--phantoms", "1", "--size", str(SIZE)]
    words += ["--data", str(tmp_path / "data"), "--clips", "phantom-ultra", "--device", "cpu"]
    phantom = clips.make_phantoms(1)[0].video
    for kind, picture in (("frames", phantom.read(0)[..., 0]), ("masks", phantom.label_map(0))):
        (tmp_path / "data" / "eye_a" / kind).mkdir(parents=True)
        Image.fromarray(picture).save(tmp_path / "data" / "eye_a" / kind / "00000.png")
    tables.main(words)
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "runs").iterdir()}
    assert set(kept) == {f"similarity_{measure}-0.json" for measure in ("l2", "dot", "cosine")}
    tables.main(words)
    assert kept == {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "runs").iterdir()}
    row = json.loads((tmp_path / "out" / "tables.json").read_text())["similarity"][0]
    assert 0 < row["families"]["phantom-ultrasound"]["dice"][0] < 1


@pytest.fixture
def build(tables: ModuleType, grid: ModuleType) -> Callable[[str], Any]:
    """The bundle of a run, and what adapts its network."""

    def make(name: str) -> Any:
        run = grid.RUNS[name]
        bundle = tables.Bundle(tables.BUNDLES / run.bundle, size=SIZE, seed=3, device="cpu", **run.changes)
        return bundle, bundle.with_preset(run.method)[1]

    return make


def test_ablations_change_what_they_say(build: Callable[[str], Any], grid: ModuleType) -> None:
    _, both = build("components_memory_prediction")
    assert isinstance(both, TestTimeTrainer)
    assert [type(term).__name__ for term in both.terms] == ["PredictionAlignment"]
    assert (both.memory["head_init"], both.seed, both.guard) == ("random", 3, None)
    _, without = build("components_feature")
    assert isinstance(without, grid.TrainerWithoutMemory)
    _, losses = build("relearning_temporal_prediction")
    assert isinstance(losses, ConsistencyRelearner)
    assert (losses.weights.temporal, losses.weights.feature, losses.guard) == (0.1, 0.0, None)
    assert build("similarity_cosine")[1].memory["measure"] == "cosine"
    assert build("tent_fast")[1].learning_rate == 1e-3


def test_without_memory_the_read_out_does_not_matter(build: Callable[[str], Any]) -> None:
    bundle, trainer = build("components_feature")
    student = trainer.make_student(bundle.network)
    embedded, readout = torch.rand(2, student.net.width, 4, 4), torch.rand(1, 2, student.net.width, 4, 4)
    assert student.decode(embedded, readout).equal(student.decode(embedded, readout + 1))


def test_a_data_set_is_adapted_to_together(
    tables: ModuleType, clips: ModuleType, grid: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = grid.Run("together", "test_time_training_video_segmentation", "memory_only", scope="dataset")
    bundle = tables.Bundle(tables.BUNDLES / run.bundle, size=SIZE, seed=0, device="cpu")
    seen = []
    trainer = bundle.with_preset("memory_only")[1]
    adapt = trainer.adapt

    def remember(network: Any, videos: list[AnnotatedVideo]) -> Any:
        seen.append(len(videos))
        return adapt(network, videos)

    monkeypatch.setattr(trainer, "adapt", remember)
    rows = list(tables.measure_together(run, bundle, clips.make_phantoms(1)))
    assert seen == [2]
    assert {row.method for row in rows} == {"together"}
    assert max(row.dice for row in rows) > 0.3


def test_unknown_tables_are_answered_with_the_choices(tables: ModuleType, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        tables.parse_args(["--data", "a", "--output", "b", "--tables", "table1"])
    assert "no table 'table1'; choose from methods, components" in capsys.readouterr().err
    assert isinstance(tables.parse_args(["--data", "a", "--output", "b"]), argparse.Namespace)


def test_controls_are_measured_only_by_runs_that_ask_for_them(
    tables: ModuleType, clips: ModuleType, grid: ModuleType
) -> None:
    still = clips.make_controls(1)[0]
    (phantom, _) = clips.make_phantoms(1)
    assert not tables.concerns(grid.IMAGE_NET, still)
    assert tables.concerns(grid.IMAGE_NET, phantom)
    assert tables.concerns(grid.UNTRAINED, still)
    assert not tables.concerns(grid.UNTRAINED, phantom)


@pytest.mark.parametrize("scope", ["sliding", "stream"])
def test_a_scope_along_the_video_is_measured(
    tables: ModuleType, clips: ModuleType, grid: ModuleType, scope: str
) -> None:
    run = grid.Run("along", "test_time_training_video_segmentation", "memory_only", scope=scope)
    bundle = tables.Bundle(tables.BUNDLES / run.bundle, size=SIZE, seed=0, device="cpu")
    phantom = clips.make_phantoms(1)[0]
    method = functools.partial(tables.segment_along, run=run)
    along, plain = (tables.measure("a", one, bundle, phantom) for one in (method, tables.METHODS["memory_only"]))
    assert [row.dice for row in along] == [row.dice for row in plain]


def test_further_terms_are_built_from_their_names(build: Callable[[str], Any]) -> None:
    assert [type(term).__name__ for term in build("terms_tps")[1].terms][-1] == "TemporalPseudoSupervision"
    assert build("terms_itcr_demons")[1].terms[-1].displacement is registration
