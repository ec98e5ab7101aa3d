# SPDX-License-Identifier: Apache-2.0
import json

import pytest
import torch
from bundle_command import BUNDLES
from ignite.engine import Events
from monai.bundle import ConfigWorkflow
from small_training import CONFIGS, train_method, weights

from monai_i2v.errors import UsageError
from monai_i2v.networks.few_shot import light_network


def training(stills, folder, method, *overlays, **overrides):
    options = {"val_episodes": 2, **overrides}
    return train_method(stills, folder, method, "few_shot_train.json", *overlays, configs=CONFIGS, **options)


def test_a_method_is_trained_and_goes_on_after_a_kill_as_if_there_had_been_none(stills, tmp_path):
    training(stills, tmp_path / "whole", "ssp").run()

    def kill():
        raise KeyboardInterrupt

    flow = training(stills, tmp_path / "killed", "ssp")
    flow.trainer.add_event_handler(Events.EPOCH_STARTED(once=2), kill)
    with pytest.raises(KeyboardInterrupt):
        flow.run()
    training(stills, tmp_path / "killed", "ssp").run()
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.equal(first[key], second[key]) for key in first)
    before = light_network("ssp").state_dict()
    assert first.keys() == before.keys()
    assert not torch.equal(first["project.weight"], before["project.weight"])


@pytest.mark.parametrize(("method", "optimizer"), [("dcama", "SGD"), ("hsnet", "Adam"), ("one_shot", "AdamW")])
def test_every_method_has_its_own_optimizer_and_the_same_episodes(stills, tmp_path, method, optimizer):
    flow = training(stills, tmp_path, method)
    assert type(flow.parser.get_parsed_content("optimizer")).__name__ == optimizer
    first = flow.parser.get_parsed_content("train::dataset")[0]
    other = training(stills, tmp_path, "panet").parser.get_parsed_content("train::dataset")[0]
    assert all(torch.equal(first[key], other[key]) for key in first)


def test_adapters_are_trained_in_front_of_a_trained_method(stills, tmp_path):
    torch.save(light_network("ssp").state_dict(), tmp_path / "ssp.pt")
    start = torch.load(tmp_path / "ssp.pt", weights_only=True)
    options = {"start_from": str(tmp_path / "ssp.pt"), "max_epochs": 1}
    training(stills, tmp_path, "dra", "few_shot_adapter.json", **options).run()
    after = weights(tmp_path)
    assert all(torch.equal(after[f"net.{key}"], start[key]) for key in start)
    assert after["perturb.4.seen"]


def test_a_video_is_segmented_by_the_method_that_is_named(recording, tmp_path):
    torch.save({"model": light_network("panet").state_dict()}, tmp_path / "panet.pt")
    flow = ConfigWorkflow(
        [str(CONFIGS / name) for name in ("inference.json", "few_shot.json")],
        meta_file=str(CONFIGS / "metadata.json"),
        workflow_type="infer",
        bundle_root=str(BUNDLES / "one_shot_image_segmentation"),
        video=str(recording / "frames"),
        ref_mask=str(recording / "mask.png"),
        output_dir=str(recording / "out"),
        method="panet",
        checkpoint=str(tmp_path / "panet.pt"),
        device="cpu",
        size=48,
    )
    flow.initialize()
    flow.run()
    facts = json.loads((recording / "out/frames/run.json").read_text())
    assert facts["settings"]["method"] == "panet"
    assert len(list((recording / "out/frames/masks").iterdir())) == 4


def test_an_unknown_method_is_answered_with_the_choices():
    with pytest.raises(UsageError, match=r"method is 'unet', expected one of one_shot, panet, ssp"):
        light_network("unet")
