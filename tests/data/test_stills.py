# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from PIL import Image

from monai_i2v.data import find_stills
from monai_i2v.errors import UsageError


def write_pair(folder, set_name, stem, values):
    """An image of 10 x 10 px whose mask holds each value in one row."""
    mask = np.zeros((10, 10), dtype=np.uint8)
    for row, value in enumerate(values):
        mask[row] = value
    for kind, array, suffix in (("images", mask, ".jpg"), ("masks", mask, ".png")):
        (folder / set_name / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(folder / set_name / kind / f"{stem}{suffix}")


def test_pairs_are_found_with_their_classes(tmp_path):
    write_pair(tmp_path, "heart", "patient1_a", [1, 1, 3])
    write_pair(tmp_path, "heart", "patient2_a", [3])
    write_pair(tmp_path, "polyp", "b", [1])
    stills = find_stills(tmp_path)
    assert [(still["set"], still["classes"]) for still in stills] == [
        ("heart", [1, 3]),
        ("heart", [3]),
        ("polyp", [1]),
    ]
    assert stills[0]["label"].endswith("heart/masks/patient1_a.png")
    assert len(find_stills(tmp_path, ["polyp"])) == 1
    assert len(find_stills(tmp_path, exclude=["patient1"])) == 2


def test_small_classes_and_unpaired_images_are_left_out(tmp_path):
    write_pair(tmp_path, "heart", "a", [1, 1, 3])
    write_pair(tmp_path, "heart", "b", [1])
    (tmp_path / "heart/masks/b.png").unlink()
    stills = find_stills(tmp_path, min_share=0.15)
    assert [still["classes"] for still in stills] == [[1]]


def test_a_missing_set_or_an_empty_folder_shows_the_expected_tree(tmp_path):
    with pytest.raises(UsageError, match=r"holds no labelled images; expected <folder>/<set>/images/<name>.jpg"):
        find_stills(tmp_path)
    write_pair(tmp_path, "heart", "a", [1])
    with pytest.raises(UsageError, match=r"has no set 'lung'.*the sets found are \['heart'\]"):
        find_stills(tmp_path, ["lung"])
    with pytest.raises(UsageError, match=r"no mask in .* covers 50% of its image"):
        find_stills(tmp_path, min_share=0.5)
