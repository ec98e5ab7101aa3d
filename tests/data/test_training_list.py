# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
from PIL import Image

from monai_i2v.data import read_training_list
from monai_i2v.errors import UsageError
from monai_i2v.phantoms import Phantom, save_phantom


@pytest.fixture
def folder(tmp_path):
    """A still whose mask holds 0 and 4, and a phantom with two objects."""
    mask = np.zeros((20, 30), np.uint8)
    mask[3:9] = 4
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.new("RGB", (30, 20)).save(tmp_path / "image.png")
    save_phantom(Phantom(length=2, size=(32, 48), objects=2), tmp_path / "phantom")
    return tmp_path


def write(folder, **sections):
    (folder / "list.json").write_text(json.dumps(sections))
    return folder / "list.json"


STILL = {"image": "image.png", "label": "mask.png"}
CLIP = {"image": "phantom/video.mp4", "label": "phantom/masks", "set": "beating"}


def test_stills_and_clips_are_listed_with_what_was_left_out(folder):
    items = read_training_list(write(folder, training=[STILL, CLIP, {**STILL, "classes": [9]}]))
    assert [(item["set"], item["classes"]) for item in items] == [("list", [4]), ("beating", [1, 2]), ("list", [9])]
    assert items[0]["image"] == str(folder / "image.png")


def test_the_validation_list_is_another(folder):
    path = write(folder, training=[STILL], validation=[CLIP])
    assert [item["set"] for item in read_training_list(path, "validation")] == ["beating"]


def test_what_is_wrong_is_said(folder):
    with pytest.raises(UsageError, match="there is no datalist"):
        read_training_list(folder / "none.json")
    with pytest.raises(UsageError, match="has no list 'validation'"):
        read_training_list(write(folder, training=[STILL]), "validation")
    with pytest.raises(UsageError, match=r"has label .*gone\.png', which does not exist"):
        read_training_list(write(folder, training=[{**STILL, "label": "gone.png"}]))
    with pytest.raises(UsageError, match="shows an object"):
        read_training_list(write(folder, training=[{**STILL, "classes": []}]))
    (folder / "list.json").write_text("{")
    with pytest.raises(UsageError, match="has no list 'training' that can be read"):
        read_training_list(folder / "list.json")
