# SPDX-License-Identifier: Apache-2.0
import csv
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from bundle_command import BUNDLES, VIDEO_BUNDLES
from monai.bundle import ConfigWorkflow, verify_metadata, verify_net_in_out
from PIL import Image

from monai_i2v.adaptation import TestTimeTrainer
from monai_i2v.errors import UsageError
from monai_i2v.networks import OneShotNet
from monai_i2v.tracking import AnnotatedVideo

SCHEMA = Path(__file__).parent / "meta_schema_20240725.json"


def workflow(name, recording, checkpoint, overlays=(), **overrides):
    bundle = BUNDLES / name
    return ConfigWorkflow(
        [str(bundle / "configs" / file) for file in ("inference.json", *overlays)],
        meta_file=str(bundle / "configs/metadata.json"),
        workflow_type="infer",
        bundle_root=str(bundle),
        video=str(recording / "frames"),
        ref_mask=str(recording / "mask.png"),
        output_dir=str(recording / "out"),
        checkpoint=str(checkpoint),
        device="cpu",
        **{"size": 48, **overrides},
    )


@pytest.mark.parametrize("name", VIDEO_BUNDLES)
def test_metadata_is_valid_and_the_network_answers_as_it_says(name, tmp_path):
    config_dir = BUNDLES / name / "configs"
    schema = tmp_path / "schema.json"
    shutil.copy(SCHEMA, schema)
    digest = hashlib.sha256(schema.read_bytes()).hexdigest()  # MONAI downloads the schema only when it is not there
    verify_metadata(
        meta_file=str(config_dir / "metadata.json"), filepath=str(schema), hash_val=digest, hash_type="sha256"
    )
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(config_dir / "metadata.json"),
        config_file=str(config_dir / "inference.json"),
        n=4,
        device="cpu",
    )


@pytest.mark.parametrize("name", VIDEO_BUNDLES)
def test_every_bundle_has_what_monais_specification_asks_for(name):
    bundle = BUNDLES / name
    for file in (
        "LICENSE",
        "configs/metadata.json",
        "configs/inference.json",
        "configs/logging.conf",
        "docs/README.md",
    ):
        assert (bundle / file).is_file(), file
    metadata = json.loads((bundle / "configs/metadata.json").read_text())
    assert metadata["version"] in metadata["changelog"]
    assert not (bundle / "scripts").exists()


@pytest.mark.parametrize("name", VIDEO_BUNDLES)
def test_a_folder_of_frames_becomes_masks_of_the_same_names_and_labels(name, recording, checkpoints):
    flow = workflow(name, recording, checkpoints[name])
    flow.initialize()
    assert flow.check_properties() == []
    flow.run()
    flow.finalize()
    results = recording / "out/frames"
    masks = {path.name: np.asarray(Image.open(path)) for path in sorted(results.glob("masks/*"))}
    assert list(masks) == [f"frame_{index}.png" for index in range(4)]
    assert np.array_equal(masks["frame_0.png"], np.asarray(Image.open(recording / "mask.png")))
    assert set(np.unique(np.stack(list(masks.values())))) <= {0, 1, 7}
    assert {path.name for path in results.iterdir()} == {
        "masks",
        "overlay.mp4",
        "contact_sheet.png",
        "areas.png",
        "measurements.csv",
        "report.html",
        "run.json",
    }
    rows = (results / "measurements.csv").read_text().splitlines()
    assert len(rows) == 1 + 4 * 2


@pytest.mark.parametrize("name", VIDEO_BUNDLES)
def test_a_chamber_has_volumes_in_all_results(name, recording, checkpoints):
    flow = workflow(name, recording, checkpoints[name], chamber=7)
    flow.initialize()
    flow.run()
    results = recording / "out/frames"
    with (results / "measurements.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["label"] for row in rows if row["volume_px3"]} == {"7"}
    facts = json.loads((results / "run.json").read_text())
    assert facts["settings"]["chamber"] == 7
    assert [one["largest_volume_px3"] is None for one in facts["objects"]] == [True, False]
    assert (results / "volumes.png").is_file()
    assert "<h2>Volumes</h2>" in (results / "report.html").read_text()


SHIPPED = BUNDLES / VIDEO_BUNDLES[1] / "models/model.pt"


def confidences(results):
    """Of each object in each frame."""
    with (results / "measurements.csv").open(newline="") as file:
        return [float(row["confidence"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def unadapted(module_recording):
    """Confidences of the network as it is shipped."""
    flow = workflow(VIDEO_BUNDLES[1], module_recording, SHIPPED, preset="memory_only", size=128)
    flow.initialize()
    flow.run()
    return confidences(module_recording / "out/frames")


SCOPES = {
    "video": ("adapt", AnnotatedVideo),
    "dataset": ("adapt", list),
    "sliding": ("adapt_sliding", AnnotatedVideo),
    "stream": ("adapt_stream", AnnotatedVideo),
}


@pytest.mark.parametrize("preset", ["memory_only", "paper_video"])
@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_adapts_in_its_way_and_a_preset_changes_the_network(preset, scope, recording, unadapted, monkeypatch):
    called = []
    for method in ("adapt", "adapt_sliding", "adapt_stream"):
        original = getattr(TestTimeTrainer, method)

        def record(self, network, video, method=method, original=original):
            called.append((method, type(video)))
            return original(self, network, video)

        monkeypatch.setattr(TestTimeTrainer, method, record)
    flow = workflow(VIDEO_BUNDLES[1], recording, SHIPPED, preset=preset, scope=scope, size=128)
    flow.initialize()
    flow.run()
    assert called == [SCOPES[scope]]
    facts = json.loads((recording / "out/frames/run.json").read_text())
    assert facts["labels"] == [1, 7]
    learns_before = preset == "paper_video" and scope in ("video", "dataset")
    assert (len(facts["adaptation"]) > 0) == learns_before
    same = confidences(recording / "out/frames") == pytest.approx(unadapted, abs=1e-4)
    assert same == (preset == "memory_only")


@pytest.mark.parametrize("preset", ["memory_only", "anchored"])
def test_presets_of_the_memory_network_run(preset, recording, checkpoints):
    flow = workflow(VIDEO_BUNDLES[2], recording, checkpoints[VIDEO_BUNDLES[2]], preset=preset, seed=1)
    flow.initialize()
    flow.run()
    facts = json.loads((recording / "out/frames/run.json").read_text())
    assert facts["settings"]["preset"] == preset
    assert len(facts["adaptation"]) == (40 if preset == "anchored" else 0)


@pytest.mark.parametrize(
    ("preset", "scope"), [("rbn", "dataset"), ("tent", "video"), ("tent", "sliding"), ("intent", "video")]
)
def test_presets_of_the_image_network_run(preset, scope, recording, checkpoint):
    flow = workflow(VIDEO_BUNDLES[0], recording, checkpoint, preset=preset, scope=scope)
    flow.initialize()
    flow.run()
    facts = json.loads((recording / "out/frames/run.json").read_text())
    assert (facts["settings"]["preset"], facts["settings"]["scope"]) == (preset, scope)


@pytest.mark.parametrize("preset", ["image_only", "paper", "relearning"])
@pytest.mark.parametrize("scope", ["video", "dataset"])
def test_presets_of_relearning_run(preset, scope, recording, checkpoints):
    flow = workflow(
        VIDEO_BUNDLES[3], recording, checkpoints[VIDEO_BUNDLES[3]], preset=preset, scope=scope, max_seconds=1
    )
    flow.initialize()
    flow.run()
    facts = json.loads((recording / "out/frames/run.json").read_text())
    assert facts["settings"]["preset"] == preset
    assert bool(facts["adaptation"]) == (preset != "image_only")


def test_a_datalist_gives_a_folder_per_video_and_one_bad_video_does_not_cost_the_others(recording, checkpoint):
    videos = [
        {"video": "frames", "ref_mask": "mask.png", "ref_frame": 2, "name": "first"},
        {"video": "missing.mp4", "ref_mask": "mask.png"},
        {"video": "frames/*.png", "ref_mask": "mask.png", "name": "third"},
    ]
    (recording / "list.json").write_text(json.dumps({"videos": videos}))
    flow = workflow(VIDEO_BUNDLES[0], recording, checkpoint, datalist=str(recording / "list.json"))
    flow.parser["video"] = flow.parser["ref_mask"] = None
    flow.initialize()
    with pytest.raises(RuntimeError) as info:  # MONAI wraps what happens in a config
        flow.run()
    assert isinstance(info.value.__cause__, UsageError)
    assert "missing.mp4" in str(info.value.__cause__)
    assert "(1 of 3 videos failed)" in str(info.value.__cause__)
    assert sorted(path.name for path in (recording / "out").iterdir()) == ["first", "summary.csv", "third"]


@pytest.mark.parametrize("name", VIDEO_BUNDLES)
def test_videos_with_truth_are_scored(name, recording, checkpoints):
    videos = [{"video": "frames", "ref_mask": "mask.png", "truth": "truth"}]
    (recording / "truth").mkdir()
    shutil.copy(recording / "mask.png", recording / "truth/frame_3.png")
    (recording / "list.json").write_text(json.dumps({"videos": videos}))
    config_dir = BUNDLES / name / "configs"
    flow = ConfigWorkflow(
        [str(config_dir / "inference.json"), str(config_dir / "evaluate_videos.json")],
        meta_file=str(config_dir / "metadata.json"),
        workflow_type="infer",
        bundle_root=str(BUNDLES / name),
        datalist=str(recording / "list.json"),
        output_dir=str(recording / "out"),
        checkpoint=str(checkpoints[name]),
        device="cpu",
        size=48,
    )
    flow.initialize()
    flow.run()
    lines = (recording / "out/scores.csv").read_text().splitlines()
    assert lines[0] == "video,frame,object,dice,j,f,shown,false_positive_px,false_positive_share"
    assert [line.split(",")[:3] for line in lines[1:]] == [["frames", "3", "1"], ["frames", "3", "7"]]
    assert [path.name for path in sorted((recording / "out").iterdir())] == ["scores.csv", "scores.json"]


def test_export_writes_the_image_network_at_the_size_at_which_videos_are_segmented(recording, checkpoint, monkeypatch):
    told = []
    monkeypatch.setattr("monai_i2v.export.export_image_net", lambda *args, **kwargs: told.append((args, kwargs)))
    flow = workflow(
        VIDEO_BUNDLES[0], recording, checkpoint, overlays=["export.json"], export_path=str(recording / "net.onnx")
    )
    flow.initialize()
    flow.run()
    ((network, path), options) = told[0]
    assert isinstance(network, OneShotNet)
    assert (path, options) == (str(recording / "net.onnx"), {"size": (48, 48)})


def test_the_same_run_gives_the_same_masks(recording, checkpoint):
    results = []
    for _ in range(2):
        flow = workflow(VIDEO_BUNDLES[1], recording, checkpoint, preset="anchored")
        flow.initialize()
        flow.run()
        results.append([path.read_bytes() for path in sorted((recording / "out/frames/masks").iterdir())])
    assert results[0] == results[1]
