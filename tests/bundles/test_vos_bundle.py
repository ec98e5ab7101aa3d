# SPDX-License-Identifier: Apache-2.0
import json
import logging
import sys

import monai.bundle
import pytest
import torch
from bundle_command import BUNDLES
from ignite.engine import Events
from monai.bundle import ConfigWorkflow
from small_training import MEMORY_CONFIGS, train_method, weights

from monai_i2v.errors import UsageError
from monai_i2v.networks.vos import light_network


def training(stills, folder, method, **overrides):
    options = {"val_interval": 2, "val_clips": 2, **overrides}
    return train_method(stills, folder, method, "vos_train.json", configs=MEMORY_CONFIGS, **options)


def test_a_tracker_is_trained_and_goes_on_after_a_kill_as_if_there_had_been_none(stills, tmp_path):
    training(stills, tmp_path / "whole", "cutie").run()

    def kill():
        raise KeyboardInterrupt

    flow = training(stills, tmp_path / "killed", "cutie")
    flow.trainer.add_event_handler(Events.EPOCH_STARTED(once=2), kill)
    with pytest.raises(KeyboardInterrupt):
        flow.run()
    training(stills, tmp_path / "killed", "cutie").run()
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.equal(first[key], second[key]) for key in first)
    before = light_network("cutie").state_dict()
    assert first.keys() == before.keys()
    assert not torch.equal(first["transformer.heads.0.weight"], before["transformer.heads.0.weight"])
    last = torch.load(tmp_path / "whole/model.pt", weights_only=True)
    assert all(torch.equal(first[key], last[key]) for key in first)


def test_all_trackers_learn_from_the_same_clips_and_only_tcmn_from_its_values(stills, tmp_path):
    clips, weights_of_values = [], []
    for method in ("tcmn", "aot"):
        parser = training(stills, tmp_path, method).parser
        clips.append(parser.get_parsed_content("train::dataset")[0])
        weights_of_values.append(parser.get_parsed_content("loss").contrast_weight)
    assert all(torch.equal(clips[0][key], clips[1][key]) for key in clips[0])
    assert weights_of_values == [0.05, 0.0]


def test_a_video_is_segmented_by_the_tracker_that_is_named(recording, tmp_path):
    torch.save({"model": light_network("deaot").state_dict()}, tmp_path / "deaot.pt")
    flow = ConfigWorkflow(
        [str(MEMORY_CONFIGS / name) for name in ("inference.json", "vos.json")],
        meta_file=str(MEMORY_CONFIGS / "metadata.json"),
        workflow_type="infer",
        bundle_root=str(BUNDLES / "temporal_contrastive_memory_video_segmentation"),
        video=str(recording / "frames"),
        ref_mask=str(recording / "mask.png"),
        output_dir=str(recording / "out"),
        method="deaot",
        checkpoint=str(tmp_path / "deaot.pt"),
        device="cpu",
        size=48,
    )
    flow.initialize()
    flow.run()
    facts = json.loads((recording / "out/frames/run.json").read_text())
    assert facts["settings"]["method"] == "deaot"
    assert len(list((recording / "out/frames/masks").iterdir())) == 4


@pytest.mark.parametrize("option", [{"mem_every": 2}, {"preset": "anchored"}])
def test_an_option_that_does_not_reach_a_tracker_is_refused(option, recording, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with pytest.raises(RuntimeError) as info:
        monai.bundle.run(
            config_file=[str(MEMORY_CONFIGS / name) for name in ("inference.json", "vos.json")],
            bundle_root=str(MEMORY_CONFIGS.parent),
            video=str(recording / "frames"),
            ref_mask=str(recording / "mask.png"),
            output_dir=str(recording / "out"),
            **option,
        )
    assert isinstance(info.value.__cause__, UsageError)
    sentence = (
        f"option {next(iter(option))} would change nothing here, as nothing in these configs reads it; leave it out."
    )
    assert str(info.value.__cause__) == sentence
    assert not (recording / "out").exists()
