# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from planting import labels, plant, plant_litter, square

from monai_i2v.data import list_cases
from monai_i2v.data.collections import Part, clip_folder, paired_folder, write_collection
from monai_i2v.errors import UsageError
from monai_i2v.masks import Truth
from monai_i2v.media import open_video
from monai_i2v.phantoms import Phantom, save_phantom


def test_pairs_share_what_the_stars_stand_for(tmp_path):
    plant_litter(tmp_path)
    for name in ("a.b", "2", "10"):
        plant(tmp_path / f"images/{name}.JPG")
        plant(tmp_path / f"masks/{name}.png", square(7))
    assert [sample.name for sample in paired_folder().samples(tmp_path)] == ["2", "10", "a.b"]
    (tmp_path / "images").rename(tmp_path / "photos")
    for path in (tmp_path / "masks").iterdir():
        path.rename(path.with_name(f"{path.stem}_seg.png"))
    collection = paired_folder("photos/*.jpg", "masks/*_seg.png")
    assert [sample.name for sample in collection.samples(tmp_path)] == ["2", "10", "a.b"]


def test_stored_labels_are_kept_and_soft_masks_are_refused_or_made_binary(tmp_path):
    plant(tmp_path / "root/images/a.png")
    plant(tmp_path / "root/masks/a.png", square(7))
    write_collection(Part(paired_folder()), tmp_path / "root", tmp_path / "labels.json")
    assert labels(tmp_path / "labels/paired_folder/masks/a.png").max() == 7
    plant(tmp_path / "root/masks/a.png", np.arange(192, dtype=np.uint8).reshape(12, 16))
    with pytest.raises(UsageError, match=r"no sample .* can be used"):
        write_collection(Part(paired_folder()), tmp_path / "root", tmp_path / "soft.json")
    write_collection(Part(paired_folder(binary=True)), tmp_path / "root", tmp_path / "binary.json")
    assert labels(tmp_path / "binary/paired_folder/masks/a.png").sum() == 96


def test_clips_may_be_movies_or_folders_of_frames(tmp_path):
    save_phantom(Phantom(length=2, size=(32, 32), objects=2), tmp_path / "root/heart/1")
    for index in range(2):
        plant(tmp_path / f"root/heart/2/frames/{index}.png")
        plant(tmp_path / f"root/heart/2/masks/{index}.png", square(4))
    counts = write_collection(Part(clip_folder()), tmp_path / "root", tmp_path / "list.json")
    assert counts == {"training": 2, "videos": 2}
    cases = list_cases(datalist=str(tmp_path / "list.json"))
    assert cases[0].video.endswith("1/video.mp4")
    assert cases[1].video.endswith("2/frames")


def test_masks_of_some_frames_are_found_by_their_names_and_the_clip_stays_whole(tmp_path):
    for index in range(5):
        plant(tmp_path / f"root/heart/frames/{index:05d}.jpg")
    for index in (1, 3):
        plant(tmp_path / f"root/heart/masks/{index:05d}.png", square(4, left=index))
    assert write_collection(Part(clip_folder()), tmp_path / "root", tmp_path / "list.json") == {"videos": 1}
    (case,) = list_cases(datalist=str(tmp_path / "list.json"))
    assert (case.video, case.ref_frame) == (str(tmp_path / "root/heart/frames"), 1)
    with open_video(case.video) as video:
        truth = Truth(case.truth, video)
        assert [index for index in range(5) if truth[index] is not None] == [1, 3]
        np.testing.assert_array_equal(truth[3], square(4, left=3))


def test_masks_that_belong_to_no_frame_are_refused(tmp_path, caplog):
    for index in range(5):
        plant(tmp_path / f"root/heart/frames/{index:05d}.jpg")
        if index < 4:
            plant(tmp_path / f"root/heart/masks/mask_{index}.png", square(4))
    with pytest.raises(UsageError, match="can be used, for the reasons above"):
        write_collection(Part(clip_folder()), tmp_path / "root", tmp_path / "list.json")
    assert "heart has 5 frames and 4 masks for them; expected one mask per frame" in caplog.text


def test_clips_of_davis_are_found_by_globs(tmp_path):
    for clip in ("bear", "swan"):
        for index in range(2):
            plant(tmp_path / f"DAVIS/JPEGImages/480p/{clip}/{index:05d}.jpg")
            plant(tmp_path / f"DAVIS/Annotations/480p/{clip}/{index:05d}.png", square(1))
    collection = clip_folder("JPEGImages/480p/*/*.jpg", "Annotations/480p/*/*.png")
    samples = collection.samples(tmp_path)
    assert [(sample.name, len(sample.media), len(sample.masks)) for sample in samples] == [
        ("bear", 2, 2),
        ("swan", 2, 2),
    ]


def test_clips_of_one_name_in_several_folders_are_refused(tmp_path):
    for place in ("a", "b"):
        plant(tmp_path / f"{place}/clip/frames/0.png")
        plant(tmp_path / f"{place}/clip/masks/0.png", square(1))
    with pytest.raises(UsageError, match="clip of clip_folder is there twice"):
        clip_folder().samples(tmp_path)
    assert len(clip_folder("*/*/frames/*.png", "*/*/masks/*.png").samples(tmp_path)) == 2
