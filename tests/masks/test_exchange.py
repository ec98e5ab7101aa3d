# SPDX-License-Identifier: Apache-2.0
import json
import zipfile

import numpy as np
from PIL import Image

from monai_i2v.masks.exchange import ExchangeFiles, run_length_text
from monai_i2v.media import open_video
from monai_i2v.phantoms import Phantom


def mask_of(text, size):
    """Unpacks what COCO packed: five bits per character."""
    counts, at = [], 0
    while at < len(text):
        value = shift = 0
        while True:
            bits = ord(text[at]) - 48
            value |= (bits & 31) << shift
            at, shift = at + 1, shift + 5
            if not bits & 32:
                break
        if bits & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return flat.reshape(size[::-1]).T


def test_packed_masks_come_back_as_they_were():
    random = np.random.default_rng(0)
    for size in ((1, 1), (4, 3), (60, 80)):
        for share in (0.0, 0.02, 0.5, 1.0):
            mask = random.random(size) < share
            assert np.array_equal(mask_of(run_length_text(mask), size), mask)


def test_both_formats_hold_the_masks_names_and_frames_of_a_movie(tmp_path):
    phantom = Phantom(length=3, size=(32, 40), objects=2)
    files = ExchangeFiles(phantom, {1: "ventricle", 2: "atrium"})
    for index in range(3):
        files.add(index, phantom.label_map(index))
    files.save_coco(tmp_path / "coco.json")
    files.save_datumaro(tmp_path / "datumaro.zip")
    coco = json.loads((tmp_path / "coco.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == [f"frame_00000{i}.PNG" for i in range(3)]
    first = coco["annotations"][0]
    assert (first["image_id"], first["category_id"], first["iscrowd"]) == (1, 1, 1)
    assert np.array_equal(mask_of(first["segmentation"]["counts"], (32, 40)), phantom.label_map(0) == 1)
    left, top, width, height = first["bbox"]
    assert (phantom.label_map(0) == 1)[top : top + height, left : left + width].sum() == first["area"]
    with zipfile.ZipFile(tmp_path / "datumaro.zip") as archive:
        content = json.loads(archive.read("annotations/default.json"))
    assert [label["name"] for label in content["categories"]["label"]["labels"]] == ["ventricle", "atrium"]
    second = content["items"][2]["annotations"][1]
    assert second["label_id"] == 1
    assert np.array_equal(mask_of(second["rle"]["counts"], (32, 40)), phantom.label_map(2) == 2)


def test_frames_of_a_folder_keep_their_names(tmp_path):
    for name in ("a_2.png", "a_10.png"):
        Image.new("L", (40, 32)).save(tmp_path / name)
    with open_video(tmp_path) as video:
        assert ExchangeFiles(video, {1: "a"}).files == ["a_2.png", "a_10.png"]
