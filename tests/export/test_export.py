# SPDX-License-Identifier: Apache-2.0
"""Exported networks say what the networks say."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow
from tiny_networks import image_net, memory_net

from monai_i2v.errors import UsageError
from monai_i2v.export import OnnxSegmenter, export_image_net, export_memory_net
from monai_i2v.inferers import PropagationInferer
from monai_i2v.phantoms import Phantom
from monai_i2v.propagation import propagate
from monai_i2v.transforms import labels_to_masks

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

BUNDLES = Path(__file__).parents[2] / "bundles"
MANY_CELLS = (272, 400)  # more than are compared at a time


def episodes(count, size):
    torch.manual_seed(1)
    mask = torch.zeros(count, 1, *size)
    mask[..., 8:24, 10:40] = 1
    return {"query": torch.rand(count, 3, *size), "support": torch.rand(count, 3, *size), "support_mask": mask}


@torch.no_grad()
def clip_of(segmenter, frames, masks):
    return torch.stack(list(propagate(segmenter, frames.unsqueeze(1), masks)))


@pytest.fixture(scope="module")
def image_folder(tmp_path_factory):
    """The image network in both forms, for 32 x 64 px."""
    folder = tmp_path_factory.mktemp("image")
    for name in ("net.onnx", "net.pt2"):
        export_image_net(image_net(), folder / name, size=(32, 64))
    return folder


@pytest.mark.parametrize("count", [1, 3])
def test_the_image_network_says_the_same_in_every_form_for_any_number_of_images(count, image_folder):
    given = episodes(count, (32, 64))
    with torch.no_grad():
        expected = image_net()(**given)
        program = torch.export.load(image_folder / "net.pt2").module()(**given)
    session = onnxruntime.InferenceSession(image_folder / "net.onnx")
    (onnx,) = session.run(["logits"], {name: value.numpy() for name, value in given.items()})
    assert expected.std() > 0.01
    assert np.abs(onnx - expected.numpy()).max() < 1e-4
    assert (program - expected).abs().max() < 1e-4


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The shipped memory network, and the folder with its stages, written by the bundle's command."""
    folder = tmp_path_factory.mktemp("memory")
    configs = BUNDLES / "temporal_contrastive_memory_video_segmentation/configs"
    flow = ConfigWorkflow(
        [str(configs / name) for name in ("inference.json", "export.json")],
        meta_file=str(configs / "metadata.json"),
        workflow_type="infer",
        bundle_root=str(configs.parent),
        export_dir=str(folder),
    )
    flow.initialize()
    flow.run()
    return flow.parser.get_parsed_content("network"), folder


@pytest.mark.parametrize("size", [(16, 16), (50, 75), MANY_CELLS])
@pytest.mark.parametrize("objects", [1, 3])
def test_a_video_of_any_size_and_number_of_objects_gets_the_same_masks(size, objects, shipped):
    net, folder = shipped
    torch.manual_seed(1)
    frames, masks = torch.rand(6, 3, *size), torch.rand(1, objects, *size) / objects
    expected = clip_of(net, frames, masks)
    assert expected[1:].std() > 0.005
    assert (clip_of(OnnxSegmenter(folder), frames, masks) - expected).abs().max() < 1e-4


def test_several_videos_and_absent_objects_get_the_same_masks(shipped):
    net, folder = shipped
    torch.manual_seed(1)
    masks = torch.rand(2, 2, 32, 48) / 2
    masks[1, 0] = 0
    state, other = net.start(frame := torch.rand(2, 3, 32, 48), masks), OnnxSegmenter(folder).start(frame, masks)
    with torch.no_grad():
        expected, found = net.step(frame, state)[0], OnnxSegmenter(folder).step(frame, other)[0]
    assert (found - expected).abs().max() < 1e-4
    assert found[1, 0].max() == 0


@torch.no_grad()
def test_stages_for_pytorch_say_the_same_of_a_network_that_remembers_the_background(tmp_path):
    net = memory_net(background=True, memory={"top_k": None})
    export_memory_net(net, tmp_path, form="pt2")
    encode_frame, encode_value, decode = (
        torch.export.load(tmp_path / f"{name}.pt2").module(check_guards=False)
        for name in ("encode_frame", "encode_value", "decode")
    )
    torch.manual_seed(1)
    frames, masks = torch.rand(2, 3, 48, 32), torch.rand(1, 1, 48, 32)
    first, second = (encode_frame(frame=frame.unsqueeze(0)) for frame in frames)
    value = encode_value(features16=first[2], masks=masks)
    given = dict(zip(("features4", "features8", "features16", "key"), second, strict=True))
    rows = {"keys": first[3].flatten(2).mT, "values": value.flatten(3).mT}
    prob = decode(**given, **rows, present=torch.ones(1, 2, 1, 1, dtype=torch.bool))
    expected = clip_of(net, frames, masks)[1]
    assert expected.std() > 0.001
    assert (prob - expected).abs().max() < 1e-4


def test_a_frame_of_another_size_is_refused(shipped):
    segmenter = OnnxSegmenter(shipped[1])
    state = segmenter.start(torch.rand(1, 3, 32, 48), torch.ones(1, 1, 32, 48) / 2)
    with pytest.raises(ValueError, match="frame 1 is 32x32 px, but the video began with 48x32 px"):
        segmenter.step(torch.rand(1, 3, 32, 32), state)


def test_the_inferer_runs_the_exported_network_as_it_runs_the_network(shipped):
    net, folder = shipped
    video = Phantom(length=12, size=(60, 80), objects=2)
    frames = [video[index] for index in range(12)]
    masks = labels_to_masks(torch.from_numpy(video.label_map(0).astype(np.int64)), [1, 2])
    with torch.no_grad():
        expected, found = (
            torch.stack([result.prob for result in PropagationInferer(64).stream(frames, segmenter, masks)])
            for segmenter in (net, OnnxSegmenter(folder))
        )
    assert (found - expected).abs().max() < 1e-4
    assert torch.equal(found > 0.5, expected > 0.5)
    assert expected[-1].max() > 0.9
    assert json.loads((folder / "memory.json").read_text())["reference_crops"] == [1.25, 1.6, 2.0]


def test_what_cannot_be_exported_is_explained(tmp_path):
    with pytest.raises(UsageError, match=r"top_fraction is 0.2\), which cannot be exported; expected a number"):
        export_memory_net(memory_net(memory={"top_k": None, "top_fraction": 0.2}), tmp_path)
    with pytest.raises(UsageError, match=r"suffix '\.trt', expected one of \.onnx, \.pt2; use \.onnx"):
        export_image_net(image_net(), tmp_path / "net.trt")
    with pytest.raises(UsageError, match=r"size is \(100, 64\), expected two multiples of 32"):
        export_image_net(image_net(), tmp_path / "net.onnx", size=(100, 64))
    assert list(tmp_path.iterdir()) == []


def test_missing_packages_are_named(tmp_path, monkeypatch):
    for module in ("program", "onnx_segmenter"):
        monkeypatch.setattr(f"monai_i2v.export.{module}.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"onnx and onnxscript, which are missing; install monai_i2v\[export\]"):
        export_image_net(image_net(), tmp_path / "net.onnx", size=(32, 32))
    with pytest.raises(UsageError, match=r"onnxruntime, which is missing; install monai_i2v\[export\]"):
        OnnxSegmenter(tmp_path)


@pytest.mark.parametrize("name", ["decode.onnx", "memory.json"])
def test_a_damaged_file_is_named(name, shipped, tmp_path):
    for path in shipped[1].iterdir():
        (tmp_path / path.name).write_bytes(b"junk" if path.name == name else path.read_bytes())
    with pytest.raises(UsageError, match=rf"{name} cannot be read .*export the network again"):
        OnnxSegmenter(tmp_path)
