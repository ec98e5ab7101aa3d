# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
import torch
from copying import Copy
from monai.data import CacheDataset
from monai.transforms import Compose, Identityd, LoadImaged
from planting import labels, plant, square

from monai_i2v.data import Clips, ClipSampling, Episodes, VideoReader, list_cases, read_training_list
from monai_i2v.data.collections import Part, find_collection, hold_out, write_collection, write_datalist
from monai_i2v.data.collections.sample import Sample
from monai_i2v.engines import VideoEvaluator
from monai_i2v.errors import UsageError
from monai_i2v.handlers import ScoreVideos
from monai_i2v.inferers import PropagationInferer

BUSI, CVC = find_collection("busi"), find_collection("cvc_clinicdb")


@pytest.fixture
def root(tmp_path):
    """Four images whose bright square is the lesion, and four frames whose polyp moves by 2 px from the second on."""
    for number in (1, 2, 3, 10):
        plant(tmp_path / f"root/busi/benign ({number}).png", np.dstack([square(200, left=number)] * 3))
        plant(tmp_path / f"root/busi/benign ({number})_mask.png", square(left=number))
    for number in (1, 2, 3, 4):
        left = 2 if number == 1 else 4
        plant(tmp_path / f"root/cvc/Original/{number}.tif", np.dstack([square(200, left=left)] * 3))
        plant(tmp_path / f"root/cvc/Ground Truth/{number}.tif", square(left=left))
    return tmp_path / "root"


def test_stills_go_straight_into_episodes(tmp_path, root):
    write_collection(Part(BUSI), root / "busi", tmp_path / "lists/busi.json")
    items = read_training_list(tmp_path / "lists/busi.json")
    loading = Compose(
        [
            LoadImaged("image", reader=VideoReader(), ensure_channel_first=True, image_only=True),
            LoadImaged("label", reader=VideoReader(labels=True), ensure_channel_first=True, image_only=True),
        ]
    )
    stills = CacheDataset(items, loading, progress=False)
    episode = Episodes(stills, Identityd("image"), length=4, datalist=items)[0]
    assert episode["label"].sum() == 16
    np.testing.assert_array_equal(episode["image"][:1] == 200, episode["label"] == 1)
    np.testing.assert_array_equal(episode["support"][:1] == 200, episode["support_mask"] == 1)


def test_videos_go_straight_into_clips(tmp_path, root):
    write_collection(Part(CVC), root / "cvc", tmp_path / "cvc.json")
    items = read_training_list(tmp_path / "cvc.json")
    loading = Compose(
        [
            LoadImaged("image", reader=VideoReader(), ensure_channel_first=True, image_only=True),
            LoadImaged("label", reader=VideoReader(labels=True), ensure_channel_first=True, image_only=True),
        ]
    )

    def to_frames(item):
        return {key: torch.as_tensor(value).permute(3, 0, 2, 1) for key, value in item.items()}

    clip = Clips(CacheDataset(items, loading, progress=False), to_frames, length=1, sampling=ClipSampling())[0]
    np.testing.assert_array_equal(clip["image"][:, 0] > 0.5, clip["label"][:, 0] == 1)


def test_videos_go_straight_into_the_evaluation(tmp_path, root):
    write_collection(Part(CVC), root / "cvc", tmp_path / "cvc.json")
    (case,) = list_cases(datalist=str(tmp_path / "cvc.json"))
    scores = ScoreVideos(tmp_path / "out")
    VideoEvaluator("cpu", [case], Copy(), inferer=PropagationInferer(None), handlers=[scores]).run()
    summary = json.loads((tmp_path / "out/scores.json").read_text())
    assert summary["mean"]["dice"] == pytest.approx(0.5)  # each later polyp overlaps half of the first


def test_whole_groups_are_held_out():
    samples = [Sample(f"{patient}{view}", group=patient) for patient in "abcdefghij" for view in "12"]
    found = hold_out(samples, 0.2)
    held_out = [sample.group for sample in found if sample.split == "validation"]
    assert len(held_out) == 4
    assert len(set(held_out)) == 2
    assert found == hold_out(samples, 0.2)
    assert {sample.split for sample in hold_out(samples, 0)} == {"training"}
    with pytest.raises(UsageError, match=r"share to hold out is 1\.5"):
        hold_out(samples, 1.5)


def test_official_lists_stay():
    official = [Sample(split, group=split, split=split) for split in ("training", "test")]
    assert [sample.split for sample in hold_out(official, 0.5)] == ["validation", "test"]
    complete = [*official, Sample("validation", group="c", split="validation")]
    assert hold_out(complete, 0.5) == complete


def test_an_image_of_both_years_is_taken_once(tmp_path):
    for folder, mask, names in (
        ("ISIC-2017_Test_v2_Data", "ISIC-2017_Test_v2_Part1_GroundTruth", "12"),
        ("ISIC2018_Task1-2_Training_Input", "ISIC2018_Task1_Training_GroundTruth", "23"),
    ):
        for name in names:
            plant(tmp_path / f"root/{folder}/ISIC_000000{name}.jpg")
            plant(tmp_path / f"root/{mask}/ISIC_000000{name}_segmentation.png", square())
    parts = {year: Part(find_collection(f"isic_{year}")) for year in (2017, 2018)}
    roots = {"isic_2017": tmp_path / "root", "isic_2018": tmp_path / "root"}
    write_datalist(tmp_path / "l.json", {"training": [parts[2018]], "test": [parts[2017]]}, roots, {})
    content = json.loads((tmp_path / "l.json").read_text())
    names = {section: [item["image"][-5] for item in content[section]] for section in ("training", "test")}
    assert names == {"training": ["2", "3"], "test": ["1"]}
    assert {item["set"] for item in content["training"]} == {"isic"}


def test_images_that_show_nothing_are_counted_and_left_out(tmp_path, root, caplog):
    plant(root / "busi/benign (3)_mask.png", square(0))
    counts = write_collection(Part(BUSI), root / "busi", tmp_path / "busi.json")
    assert counts == {"training": 3}
    assert "1 samples of busi show no object" in caplog.text


def test_a_mask_of_another_size_costs_only_its_image(tmp_path, root, caplog):
    plant(root / "busi/benign (3)_mask.png", np.ones((5, 5), np.uint8))
    (root / "busi/benign (10).png").write_bytes(b"cut off")
    assert write_collection(Part(BUSI), root / "busi", tmp_path / "busi.json") == {"training": 2}
    assert "benign (3)_mask.png is 5 x 5, but its image is 16 x 12" in caplog.text
    assert "benign (10).png cannot be read as a picture" in caplog.text


def test_nothing_is_left_of_a_list_that_failed(tmp_path, root, monkeypatch):
    for mask in (root / "busi").glob("*_mask.png"):
        mask.write_bytes(b"cut off")
    with pytest.raises(UsageError, match="can be used, for the reasons above"):
        write_collection(Part(BUSI), root / "busi", tmp_path / "lists/busi.json")
    assert not any((tmp_path / "lists").iterdir())


def test_a_folder_that_is_there_already_is_not_touched(tmp_path, root):
    (tmp_path / "busi").mkdir()
    with pytest.raises(UsageError, match="busi exists already"):
        write_collection(Part(BUSI), root / "busi", tmp_path / "busi.json")
    with pytest.raises(UsageError, match=r"ends with \.json"):
        write_collection(Part(BUSI), root / "busi", tmp_path / "list")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_collection(Part(BUSI), root / "busi", tmp_path / "file/busi.json")


def test_a_split_that_is_not_there_is_named(tmp_path, root):
    with pytest.raises(UsageError, match="has no split 'test' of busi; expected one of training"):
        write_collection(Part(BUSI, "test"), root / "busi", tmp_path / "busi.json")


def test_lists_can_be_moved_with_their_folders(tmp_path, root):
    write_collection(Part(CVC), root / "cvc", tmp_path / "lists/cvc.json")
    (tmp_path / "lists").rename(tmp_path / "moved")
    (case,) = list_cases(datalist=str(tmp_path / "moved/cvc.json"))
    assert labels(case.ref_mask).sum() == 16
