# SPDX-License-Identifier: Apache-2.0
import json

import pytest
from PIL import Image

from monai_i2v.data import VideoCase, list_cases
from monai_i2v.errors import UsageError


def write(folder, content):
    path = folder / "list.json"
    path.write_text(json.dumps(content))
    return str(path)


@pytest.mark.parametrize(
    ("video", "name"),
    [
        ("a/b.mp4", "b"),
        ("a/heart.nii.gz", "heart"),
        ("a/frames/", "frames"),
        ("a/scan/*.png", "scan"),
        ("x.y.dcm", "x.y"),
        ("HEART.NII.GZ", "HEART"),
        ("a/1.2.840.113619.2.1", "1.2.840.113619.2.1"),
        ("2024.05.01/", "2024.05.01"),
        ("a/b/..", "a"),
        (".hidden.mp4", "hidden"),
        ("/", "video"),
    ],
)
def test_results_are_named_after_the_video(video, name):
    assert list_cases(video, "mask.png", 3) == [VideoCase(video, "mask.png", 3, name)]


def test_a_datalist_starts_at_its_own_folder(tmp_path):
    path = write(tmp_path, {"videos": [{"video": f"{i}.mp4", "ref_mask": "m.png", "ref_frame": i} for i in range(5)]})
    assert list_cases(datalist=path)[2] == VideoCase(str(tmp_path / "2.mp4"), str(tmp_path / "m.png"), 2, "2")


def test_several_frames_may_be_annotated_each_in_its_file_or_all_in_one(tmp_path):
    (case,) = list_cases("a.mp4", ["a.png", "b.png"], [3, 9])
    assert (case.ref_frame, case.ref_mask, case.further) == (3, "a.png", ((9, "b.png"),))
    assert case.annotated == {3: "a.png", 9: "b.png"}
    assert case.files == {"video": "a.mp4", "ref_mask": "a.png", "ref_mask_9": "b.png"}
    assert list_cases("a.mp4", "masks.nii", [3, 9])[0].annotated == {3: "masks.nii", 9: "masks.nii"}
    entry = {"video": "a.mp4", "ref_mask": ["a.png", "b.png"], "ref_frame": [0, 4]}
    (case,) = list_cases(datalist=write(tmp_path, {"videos": [entry]}))
    assert case.annotated == {0: str(tmp_path / "a.png"), 4: str(tmp_path / "b.png")}


@pytest.mark.parametrize(
    ("masks", "frames", "sentence"),
    [
        ("a.png", "3", "ref_frame is '3', expected a whole number"),
        ("a.png", [], r"ref_frame is \[\], expected a whole number"),
        ("a.png", [1, 2.0], r"ref_frame is \[1, 2.0\], expected a whole number"),
        ("a.png", [1, 1], r"ref_mask names 2 files and ref_frame is \[1, 1\]"),
        (["a.png"], [1, 2], r"ref_mask names 1 files and ref_frame is \[1, 2\]"),
        (["a.png", "b.png"], 0, "ref_mask names 2 files and ref_frame is 0"),
    ],
)
def test_frames_and_masks_that_do_not_fit_each_other_are_explained(masks, frames, sentence):
    with pytest.raises(UsageError, match=sentence):
        list_cases("a.mp4", masks, frames)


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([], "lists no videos"),
        ([{"video": "a.mp4"}], "entry 0 of .* is {'video': 'a.mp4'}; expected"),
        ([{"video": "a.mp4", "ref_mask": "m", "frame": 1}], "entry 0"),
        ([{"video": "a.mp4", "ref_mask": "m", "ref_frame": "1"}], "entry 0"),
        (
            [{"video": "a/b.mp4", "ref_mask": "m"}, {"video": "c/b.avi", "ref_mask": "m"}],
            "2 videos of .* are called 'b'",
        ),
        ([{"video": None, "ref_mask": "m"}], "entry 0"),
        ([{"video": "a.mp4", "ref_mask": "m", "ref_frame": True}], "entry 0"),
        ([{"video": "a.mp4", "ref_mask": "m", "name": "../a"}], "'../a' in .* is no plain folder name"),
        ([{"video": "a.mp4", "ref_mask": "m", "name": "..\\a"}], "is no plain folder name"),
        ([{"video": "a.mp4", "ref_mask": "m", "name": ".a"}], "'.a' in .* is no plain folder name"),
        ([{"video": "a.mp4", "ref_mask": "m", "name": ""}], "entry 0"),
        ([{"video": "a\0.mp4", "ref_mask": "m"}], "entry 0"),
        ([{"video": "a\ud800.mp4", "ref_mask": "m"}], "entry 0"),
        ([{"video": "a.mp4", "ref_mask": "m", "name": "a\n"}], r"'a\\n' in .* is no plain folder name"),
        ([{"video": "a.mp4", "ref_mask": "m", "name": 256 * "a"}], "at most 255 characters"),
    ],
)
def test_a_wrong_datalist_is_explained(tmp_path, entries, sentence):
    with pytest.raises(UsageError, match=sentence):
        list_cases(datalist=write(tmp_path, {"videos": entries}))


def test_files_that_are_no_datalist_are_explained(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        list_cases(datalist=str(tmp_path / "missing.json"))
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UsageError, match="is not JSON"):
        list_cases(datalist=str(tmp_path / "a.json"))


def test_one_of_video_and_datalist_is_needed():
    with pytest.raises(UsageError, match="video is missing, expected --video PATH with --ref_mask PATH"):
        list_cases()
    with pytest.raises(UsageError, match="ref_mask is missing"):
        list_cases("a.mp4")
    with pytest.raises(UsageError, match="both video and datalist are given"):
        list_cases("a.mp4", "m.png", datalist="list.json")


def test_masks_among_the_frames_are_left_out(tmp_path):
    for number in range(3):
        Image.new("L", (6, 4), color=10 * number).save(tmp_path / f"f{number}.png")
    for name in ("mask", "other", "truth"):
        Image.new("L", (6, 4), color=1).save(tmp_path / f"{name}.png")
    masks = [str(tmp_path / "mask.png"), str(tmp_path / "other.png")]
    case = VideoCase(str(tmp_path), masks[0], truth=str(tmp_path / "truth.png"), further=((2, masks[1]),))
    with case.open() as video:
        assert [int(video.read(index)[0, 0, 0]) for index in range(len(video))] == [0, 10, 20]


def test_a_person_may_draw_what_has_no_mask_yet(tmp_path):
    (case,) = list_cases("a/b.mp4", to_draw=True)
    assert (case.name, case.ref_mask, case.annotated) == ("b", "", {})
    path = write(tmp_path, {"videos": [{"video": "a.mp4"}, {"video": "b.mp4", "ref_mask": "b.png", "ref_frame": 4}]})
    assert [one.annotated for one in list_cases(datalist=path, to_draw=True)] == [{}, {4: str(tmp_path / "b.png")}]
    with pytest.raises(UsageError, match="entry 0 of"):
        list_cases(datalist=path)
