# SPDX-License-Identifier: Apache-2.0
"""What MONAI's Model Zoo asks of a bundle before it takes it, beside metadata and shapes (`test_bundles`)."""

import json

import pytest
import torch
from bundle_command import BUNDLES, VIDEO_BUNDLES
from monai.bundle import ConfigParser, ckpt_export, onnx_export
from monai.data import load_net_with_metadata

from monai_i2v.networks import torchscript

SIDE = 32  # px; a program is for one size
CLIP_BUNDLE = "temporal_contrastive_memory_video_segmentation"
NETWORKS = [VIDEO_BUNDLES[0], CLIP_BUNDLE]  # the other bundles have network and weights of the first, see below
SETTINGS = {CLIP_BUNDLE: {"reference_crops": [1.6]}}  # an exported clip unrolls all crops


def network_of(name):
    parser = ConfigParser()
    parser.read_config(str(BUNDLES / name / "configs/inference.json"))
    parser.update(SETTINGS.get(name, {}))
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(BUNDLES / name / "models/model.pt", weights_only=True))
    return network.eval()


def inputs_of(name):
    """What the network takes, with a mask in the middle, and its first argument alone."""
    torch.manual_seed(1)
    image = torch.rand(1, 3, 3, SIDE, SIDE) if name == CLIP_BUNDLE else torch.rand(1, 3, SIDE, SIDE)
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., 8:20, 8:28] = 1
    return (image, mask) if name == CLIP_BUNDLE else (image, image.flip(3), mask)


def arguments(name):
    """As the zoo's script gives them."""
    bundle = BUNDLES / name
    return {
        "net_id": "network_def",
        "ckpt_file": str(bundle / "models/model.pt"),
        "meta_file": str(bundle / "configs/metadata.json"),
        "config_file": str(bundle / "configs/inference.json"),
        **SETTINGS.get(name, {}),
    }


@pytest.mark.parametrize("name", VIDEO_BUNDLES)
def test_weights_are_a_plain_state_dict(name):
    state = torch.load(BUNDLES / name / "models/model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_ckpt_export_gives_a_torchscript_that_says_what_the_network_says(name, tmp_path, monkeypatch):
    monkeypatch.setattr(torchscript, "SIDE", SIDE)
    file = str(tmp_path / "model.ts")
    ckpt_export(**arguments(name), filepath=file, bundle_root=str(BUNDLES / name))
    scripted, metadata, _ = load_net_with_metadata(file)
    assert metadata["name"] == json.loads((BUNDLES / name / "configs/metadata.json").read_text())["name"]
    network, inputs = network_of(name), inputs_of(name)
    assert network(*inputs).std() > 0.01
    for given in (inputs, inputs[:1]):
        assert (scripted(*given) - network(*given)).abs().max() < 1e-4


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # of PyTorch about itself
@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_onnx_export_gives_a_file_that_says_what_the_network_says(name, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    image = inputs_of(name)[0]
    image = image[:, :2] if name == CLIP_BUNDLE else image
    file = str(tmp_path / "model.onnx")
    onnx_export(**arguments(name), filepath=file, input_shape=list(image.shape))
    session = onnxruntime.InferenceSession(file)
    (found,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
    # An image that is its own support looks like itself everywhere: stretching the prior to [0, 1] enlarges rounding.
    assert (torch.from_numpy(found) - network_of(name)(image)).abs().max() < (1e-4 if name == CLIP_BUNDLE else 0.02)


def test_bundles_that_share_a_network_share_its_weights():
    shared = [name for name in VIDEO_BUNDLES if name != CLIP_BUNDLE]
    configs = [json.loads((BUNDLES / name / "configs/inference.json").read_text()) for name in shared]
    assert all(config["network_def"] == configs[0]["network_def"] for config in configs)
    assert len({(BUNDLES / name / "models/model.pt").read_bytes() for name in shared}) == 1
