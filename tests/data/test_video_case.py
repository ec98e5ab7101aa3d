# SPDX-License-Identifier: Apache-2.0
import json

import pytest

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
        ([{"video": "a.mp4", "ref_mask": "m", "name": ""}], "'' in .* is no plain folder name"),
    ],
)
def test_a_wrong_datalist_is_explained(tmp_path, entries, sentence):
    with pytest.raises(UsageError, match=sentence):
        list_cases(datalist=write(tmp_path, {"videos": entries}))


def test_files_that_are_no_datalist_are_explained(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
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
