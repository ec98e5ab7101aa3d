# SPDX-License-Identifier: Apache-2.0
import json
import sys

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow
from PIL import Image

from monai_i2v.app import read_bundle
from monai_i2v.commands import annotate
from monai_i2v.compute import device_of, select_device
from monai_i2v.errors import UsageError
from monai_i2v.external import EXTERNAL, build_external, load_external
from monai_i2v.files.bundle_folders import find_bundle
from monai_i2v.phantoms import Phantom, save_phantom


@pytest.fixture
def xmem(clone):
    return clone("xmem")


@pytest.fixture
def weights(xmem, tmp_path):
    """A checkpoint of the stand-in of XMem whose factor is 1."""
    state = build_external("xmem", xmem).network.state_dict()
    state["keep"] = torch.tensor([1.0, 2.0])
    torch.save(state, tmp_path / "xmem.pth")
    return tmp_path / "xmem.pth"


def changed(path, **changes):
    """The checkpoint with other weights; None takes one away."""
    state = {**torch.load(path, weights_only=True), **changes}
    torch.save({key: value for key, value in state.items() if value is not None}, path)
    return path


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"model": s}, lambda s: {"state_dict": s, "epoch": 3}])
def test_weights_are_found_however_they_were_saved(xmem, weights, wrap):
    state = torch.load(weights, weights_only=True)
    torch.save(wrap({f"module.{key}": value.half() for key, value in state.items()}), weights)
    system = load_external("xmem", xmem, weights)
    assert system.network.keep.tolist() == [1.0, 2.0]
    assert not system.network.training
    assert not any(parameter.requires_grad for parameter in system.parameters())
    assert device_of(system).type == "cpu"


def test_a_checkpoint_of_another_system_is_refused_with_what_is_missing(xmem, weights):
    path = changed(weights, keep=None, extra=torch.ones(1))
    sentence = (
        r"xmem.pth is not of xmem: of its 3 weights 1 are missing \(such as keep\), 1 are unknown \(such as extra\); "
        "give the file that the authors publish"
    )
    with pytest.raises(UsageError, match=sentence):
        load_external("xmem", xmem, path)


def test_a_checkpoint_of_another_form_is_refused(xmem, weights):
    path = changed(weights, keep=torch.ones(3))
    with pytest.raises(UsageError, match=r"1 are of another shape \(such as keep\)"):
        load_external("xmem", xmem, path)


@pytest.mark.parametrize("content", [[1, 2], {}, {"model": {}}])
def test_a_file_without_weights_is_refused(xmem, tmp_path, content):
    torch.save(content, tmp_path / "no.pth")
    with pytest.raises(UsageError, match=r"no.pth is not of xmem: of its 3 weights 3 are missing"):
        load_external("xmem", xmem, tmp_path / "no.pth")


def test_code_in_a_checkpoint_is_not_run(xmem, tmp_path):
    class Shout:
        def __reduce__(self):
            return (print, ("code has run",))

    torch.save({"keep": Shout()}, tmp_path / "bad.pth")
    with pytest.raises(UsageError, match=r"bad.pth cannot be read \(UnpicklingError\)"):
        load_external("xmem", xmem, tmp_path / "bad.pth")


def test_weights_that_are_no_numbers_are_refused(xmem, weights):
    with pytest.raises(UsageError, match=r"weights that are no finite numbers \(keep and others\)"):
        load_external("xmem", xmem, changed(weights, keep=torch.tensor([1.0, torch.nan])))


def test_what_is_missing_is_said_in_one_sentence(xmem, weights, tmp_path):
    with pytest.raises(UsageError, match=r"checkpoint is None, expected the weights of xmem; none are shipped"):
        load_external("xmem", xmem, None)
    with pytest.raises(UsageError, match=r"gone.pth does not exist"):
        load_external("xmem", xmem, tmp_path / "gone.pth")
    with pytest.raises(UsageError, match=r"method is 'sam9', expected one of sam2.1_tiny, .*; use 'sam2.1_tiny'."):
        load_external("sam9", xmem, weights)
    with pytest.raises(UsageError, match=r"size is 3, expected a whole number from 64 to 2048"):
        load_external("xmem", xmem, weights, 3)
    with pytest.raises(UsageError, match=r"size is 500, expected a multiple of 32 for medsam2; use 512."):
        load_external("medsam2", None, weights, 500)
    with pytest.raises(UsageError, match=r"has no configs/default.py, expected a clone of yoxu515/aot-benchmark"):
        load_external("aott", xmem, weights)
    assert {"sam2.1_tiny", "medsam2", "cutie_small", "xmem", "stcn", "aott", "deaott"} <= EXTERNAL.keys()


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sam2", None)
    with pytest.raises(UsageError, match=r"SAM 2 needs the Python package sam2, which cannot be imported"):
        build_external("sam2.1_tiny", None)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_named():
    with pytest.raises(UsageError, match=r"device is 'cuda', which this machine or this PyTorch does not have"):
        select_device("cuda")


def flow(folder, xmem, weights, **options):
    bundle = find_bundle()
    workflow = ConfigWorkflow(
        [str(bundle / "configs" / file) for file in ("inference.json", "external.json")],
        meta_file=str(bundle / "configs/metadata.json"),
        workflow_type="infer",
        bundle_root=str(bundle),
        **{"method": "xmem", "repository": str(xmem), "checkpoint": str(weights), "device": "cpu"},
        **{"video": str(folder / "video.mp4"), "ref_mask": str(folder / "masks/00001.png"), "ref_frame": 1},
        **{"output_dir": str(folder / "out"), **options},
    )
    workflow.initialize()
    return workflow


@pytest.fixture
def movie(tmp_path):
    save_phantom(Phantom(length=3, size=(64, 64), objects=2), tmp_path / "movie")
    return tmp_path / "movie"


def test_the_bundle_runs_a_system_and_says_what_it_was(movie, xmem, weights):
    flow(movie, xmem, weights, size=64).run()
    results = movie / "out/video"
    facts = json.loads((results / "run.json").read_text())["settings"]
    assert (facts["method"], facts["size"], facts["source"].partition(",")[0][:15]) == ("xmem", 64, "hkchengrex/XMem")
    assert len(facts["checkpoint_sha256"]) == 64
    assert "preset" not in facts
    masks = [np.asarray(Image.open(path)) for path in sorted(results.glob("masks/*.png"))]
    assert np.array_equal(np.roll(masks[1], 1, 1)[:, 1:], masks[2][:, 1:])  # one pixel to the right
    assert np.array_equal(np.roll(masks[1], 1, 1)[:, 1:], masks[0][:, 1:])  # and against time, too


def test_the_page_draws_with_a_system(tmp_path, xmem, weights):
    options = {"method": "xmem", "repository": str(xmem), "checkpoint": str(weights), "output_dir": str(tmp_path)}
    parts = read_bundle(find_bundle(), options, ["external.json"])
    assert type(parts.network).__name__ == "XMemSegmenter"
    assert parts.inferer.size == 480
    with pytest.raises(UsageError, match=r"checkpoint is None"):
        read_bundle(find_bundle(), {**options, "checkpoint": None}, ["external.json"])
    with pytest.raises(UsageError, match=r"absence is true, but XMemSegmenter has no memory that could tell"):
        read_bundle(find_bundle(), {**options, "absence": True}, ["external.json"])


def test_a_clone_without_the_name_of_a_system_is_refused_by_the_page(movie, xmem):
    arguments = [str(movie / "video.mp4"), "--output_dir", "out", "--repository", str(xmem)]
    with pytest.raises(UsageError, match=r"but no method was given, expected its system; add --method"):
        annotate.main(arguments)
