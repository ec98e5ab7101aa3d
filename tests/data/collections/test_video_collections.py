# SPDX-License-Identifier: Apache-2.0
import logging
import sys

import nibabel
import numpy as np
import openpyxl
import pytest
import SimpleITK
from planting import SIZE, labels, plant, plant_litter, square, write
from scipy.io import savemat

from monai_i2v.data import list_cases
from monai_i2v.data.collections import SEQUENCE_ENDS, find_collection
from monai_i2v.errors import UsageError
from monai_i2v.masks import Truth, read_mask
from monai_i2v.media import open_video


def read_case(path, number=0):
    """Length of a video, its reference with its label map, and the frames whose truth is known."""
    case = list_cases(datalist=str(path))[number]
    with open_video(case.video) as video:
        truth = Truth(case.truth, video)
        known = [index for index in range(len(video)) if truth[index] is not None]
        mask = read_mask(case.ref_mask, video.info, case.ref_frame)
        np.testing.assert_array_equal(mask, truth[case.ref_frame])
        return len(video), case.ref_frame, mask, known


def plant_camus(root, patients=(1, 2, 10)):
    """Half sequences of 3 frames, with the three labels beside each other; the atrium moves."""
    for patient in patients:
        for view in ("2CH", "4CH"):
            frames = np.stack([square(1) + square(2, left=7) + square(3, left=11 + step) for step in range(2)])
            stem = f"patient{patient:04d}/patient{patient:04d}_{view}_half_sequence"
            for suffix, series in (("", frames * 80), ("_gt", frames)):
                path = root / f"CAMUS_public/database_nifti/{stem}{suffix}.nii.gz"
                path.parent.mkdir(parents=True, exist_ok=True)
                nibabel.Nifti1Image(series.transpose(2, 1, 0), np.diag([0.3, 0.15, 1, 1])).to_filename(path)
            plant_still(path.parent, f"patient{patient:04d}_{view}")
    folder = root / "CAMUS_public/database_split"
    folder.mkdir()
    for split, names in (("training", "patient0001\npatient0010\n"), ("validation", ""), ("testing", "patient0002")):
        (folder / f"subgroup_{split}.txt").write_text(names)


def plant_still(folder, stem):
    """End diastole by itself, which is no clip."""
    for name in (f"{stem}_ED.nii.gz", f"{stem}_ED_gt.nii.gz"):
        nibabel.Nifti1Image(square(1).T[..., None], np.eye(4)).to_filename(folder / name)


def test_camus_follows_its_official_lists_by_patient(tmp_path):
    plant_litter(tmp_path)
    plant_camus(tmp_path)
    samples = find_collection("camus").samples(tmp_path)
    assert [sample.name for sample in samples[:3]] == ["patient0001_2CH", "patient0001_4CH", "patient0002_2CH"]
    splits = {(sample.group, sample.split) for sample in samples}
    assert splits == {("patient0001", "training"), ("patient0002", "test"), ("patient0010", "training")}
    assert find_collection("camus").check(tmp_path).found == {"training": 4, "test": 2, "all": 6}


def test_camus_stays_nifti_with_rows_and_columns_as_they_are_shown(tmp_path):
    plant_camus(tmp_path / "root")
    content = write("camus", tmp_path / "root", tmp_path / "list.json", split="test")
    assert set(content) >= {"test", "videos"}
    assert "training" not in content
    assert content["videos"][0]["name"] == "camus_patient0002_2CH"
    assert content["videos"][0]["video"].endswith("patient0002_2CH_half_sequence.nii.gz")
    length, ref_frame, mask, known = read_case(tmp_path / "list.json")
    assert (length, ref_frame, known) == (2, 0, [0, 1])
    np.testing.assert_array_equal(mask, square(1) + square(2, left=7) + square(3, left=11))
    assert content["test"][0]["classes"] == [1, 2, 3]


def test_structures_can_be_chosen(tmp_path):
    plant_camus(tmp_path / "root", patients=(1, 2))
    write("camus", tmp_path / "root", tmp_path / "list.json", labels=(1, 3))
    assert set(np.unique(read_case(tmp_path / "list.json")[2])) == {0, 1, 3}


def plant_old_camus(root, ed, es):
    """A whole sequence of 6 frames, labelled at end diastole (left) and end systole (right)."""
    folder = root / "training/patient0001"
    folder.mkdir(parents=True)
    frames = np.stack([np.full(SIZE, 10 * index, np.uint8) for index in range(6)])
    for name, pixels in (
        ("2CH_sequence", frames),
        ("2CH_ED", frames[:1]),
        ("2CH_ED_gt", square(1)[None]),
        ("2CH_ES_gt", square(1, left=9)[None]),
    ):
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(pixels), str(folder / f"patient0001_{name}.mhd"))
    (folder / "Info_2CH.cfg").write_text(f"ED: {ed}\nES:{es}\nNbFrame: 6\nSex: F\n")


@pytest.mark.parametrize(("ed", "es", "first", "reference"), [(2, 5, 1, 0), (5, 2, 1, 3)])
def test_old_camus_is_cut_to_the_part_between_its_masks_and_begins_at_end_diastole(tmp_path, ed, es, first, reference):
    plant_old_camus(tmp_path / "root", ed, es)
    content = write("camus", tmp_path / "root", tmp_path / "list.json")
    assert "training" not in content  # most frames have no mask
    length, ref_frame, mask, known = read_case(tmp_path / "list.json")
    assert (length, ref_frame, known) == (4, reference, [0, 3])
    np.testing.assert_array_equal(mask, square(1))
    with open_video(tmp_path / content["videos"][0]["video"]) as video:
        assert [int(video.read(index)[0, 0, 0]) for index in range(4)] == [10 * (first + step) for step in range(4)]


def test_old_camus_without_its_frame_numbers_is_refused(tmp_path):
    plant_old_camus(tmp_path, 1, 6)
    next(tmp_path.rglob("*.cfg")).write_text("ED: 1\n")
    with pytest.raises(UsageError, match=r"Info_2CH\.cfg does not tell ED and ES"):
        find_collection("camus").samples(tmp_path)


@pytest.fixture
def hmc_qu(tmp_path, write_movie):
    """A recording of 6 frames, 48 x 32 px, whose frames 2 to 4 (from 1) have masks, and one without."""
    root = tmp_path / "root"
    (root / "HMC-QU/A4C").mkdir(parents=True)
    (root / "HMC-QU/A2C").mkdir(parents=True)
    (root / "LV Ground-truth Segmentation Masks").mkdir()
    frames = [np.full((32, 48, 3), 20 * index, np.uint8) for index in range(6)]
    for name in ("A4C/ES0001 _4CH_1", "A4C/ES0002 _4CH_1", "A2C/ES0001 _2CH_1"):
        write_movie(root / f"HMC-QU/{name}.avi", frames)
    masks = np.zeros((3, 224, 224), np.uint8)
    masks[:, 56:112, 28:84] = 1
    savemat(root / "LV Ground-truth Segmentation Masks/Mask_ES0001 _4CH_1.mat", {"predicted": masks})
    book = openpyxl.Workbook()
    rows = [
        ["ECHO", *(f"SEG{number}" for number in (1, 2, 3, 5, 6, 7)), "Reference Frame", "End of Cycle", "LV Wall"],
        ["ES0001 _4CH_1", *[1] * 6, 2, 4, "\u00fc"],
        ["ES0002 _4CH_1", *[0] * 6, None, None, None],
    ]
    for row in rows:
        book.active.append([*row, None])
    book.save(root / "A4C.xlsx")
    return root


def test_hmc_qu_is_cut_to_its_heart_beat_at_the_size_of_its_masks(tmp_path, hmc_qu):
    assert str(find_collection("hmc_qu").check(hmc_qu)).splitlines() == [
        "all: found 1, published 109",
        "without mask: 1 (ES0002 _4CH_1)",
    ]
    content = write("hmc_qu", hmc_qu, tmp_path / "list.json")
    length, ref_frame, mask, known = read_case(tmp_path / "list.json")
    assert (length, ref_frame, known) == (3, 0, [0, 1, 2])
    assert (mask.shape, int(mask.sum()), int(mask[56, 28])) == ((224, 224), 56 * 56, 1)
    with open_video(tmp_path / content["videos"][0]["video"]) as video:
        assert [int(video.read(index)[0, 0, 0]) for index in range(3)] == [20, 40, 60]
    assert content["training"][0]["group"] == "ES0001"


def test_the_sheet_may_be_csv(tmp_path, hmc_qu):
    (hmc_qu / "A4C.xlsx").unlink()
    (hmc_qu / "A4C.csv").write_text("ECHO,start,end,has_mask\nES0001 _4CH_1,3,5,\u00fc\n", encoding="cp1252")
    (sample,) = find_collection("hmc_qu").samples(hmc_qu)
    assert sample.frames == (2, 3, 4)


def test_too_few_masks_for_a_heart_beat_are_told_and_taken(tmp_path, hmc_qu, caplog):
    (hmc_qu / "A4C.csv").write_text("ES0001 _4CH_1,2,9,x\n", encoding="utf-8")
    (hmc_qu / "A4C.xlsx").unlink()
    write("hmc_qu", hmc_qu, tmp_path / "list.json")
    assert "has 5 frames and 3 masks for them; the first 3 of both are taken" in caplog.text
    assert read_case(tmp_path / "list.json")[0] == 3


def test_hmc_qu_without_a_sheet_says_which_one_is_needed(hmc_qu, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "openpyxl", None)
        with pytest.raises(UsageError, match=r"openpyxl, which is not installed: .* or save the sheet as CSV"):
            find_collection("hmc_qu").samples(hmc_qu)
    (hmc_qu / "A4C.xlsx").write_bytes(b"no sheet")
    with pytest.raises(UsageError, match=r"A4C\.xlsx cannot be read as a sheet"):
        find_collection("hmc_qu").samples(hmc_qu)
    (hmc_qu / "A4C.xlsx").unlink()
    with pytest.raises(UsageError, match=r"no sheet in .* tells .*; expected A4C\.xlsx, or A4C\.csv"):
        find_collection("hmc_qu").samples(hmc_qu)
    (hmc_qu / "A4C.csv").write_text("ES0009,2,4,x\n", encoding="utf-8")
    with pytest.raises(UsageError, match="tells the frames of ES0001 _4CH_1"):
        find_collection("hmc_qu").samples(hmc_qu)


def plant_asu_mayo(root, write_movie, frames=12, masks=12):
    """A video whose masks show the polyp from frame 2 on, at column 2 until frame 9, and one without a polyp."""
    for name in ("shortVD_wp_4", "ShortVD_np_5"):
        folder = root / f"TrainingSet_NewGT/{name}"
        folder.mkdir(parents=True)
        pictures = [np.full((*SIZE, 3), 10 * index, np.uint8) for index in range(frames)]
        write_movie(folder / f"{name}.avi", pictures, codec="wmv2", pixels="yuv420p").rename(folder / f"{name}.wmv")
        for number in range(1, masks + 1):
            left = 2 if number < 10 else 9
            shown = square(255, left) if number > 2 and "wp" in name else np.zeros(SIZE, np.uint8)
            plant(folder / f"GT/{name}_frame_{number}_GT.tiff".replace("short", "Short"), shown)


def test_asu_mayo_counts_frames_and_begins_where_the_polyp_does(tmp_path, write_movie):
    plant_asu_mayo(tmp_path / "root", write_movie)
    content = write("asu_mayo", tmp_path / "root", tmp_path / "list.json")
    assert [case["name"] for case in content["videos"]] == ["asu_mayo_shortVD_wp_4"]
    assert content["videos"][0]["video"].endswith("shortVD_wp_4.wmv")
    length, ref_frame, mask, known = read_case(tmp_path / "list.json")
    assert (length, ref_frame, known) == (12, 2, list(range(12)))
    np.testing.assert_array_equal(mask, square(1))
    ninth = tmp_path / content["videos"][0]["truth"] / "00009.png"
    np.testing.assert_array_equal(labels(ninth), square(1, left=9))


def test_a_video_with_a_frame_too_many_is_cut_and_told(tmp_path, write_movie, caplog):
    plant_asu_mayo(tmp_path / "root", write_movie, masks=11)
    content = write("asu_mayo", tmp_path / "root", tmp_path / "list.json")
    assert "has 12 frames and 11 masks" in caplog.text
    assert content["videos"][0]["video"] == "list/asu_mayo/shortVD_wp_4/frames"
    assert read_case(tmp_path / "list.json")[0] == 11


def test_asu_mayo_as_pictures_is_read_in_place(tmp_path):
    folder = tmp_path / "MICCAI-VPS-dataset/VPS-TrainSet/ASU-Mayo_Clinic/Train"
    for number in (1, 2, 10):
        plant(folder / f"Frame/wp_2/{number}.jpg")
        plant(folder / f"GT/wp_2/{number}.png", square(left=min(number, 9)))
    content = write("asu_mayo", tmp_path, tmp_path / "list.json")
    assert content["videos"][0]["video"] == str(folder / "Frame/wp_2")
    length, _, mask, known = read_case(tmp_path / "list.json")
    assert (length, known) == (3, [0, 1, 2])
    np.testing.assert_array_equal(mask, square(1, left=1))


def test_the_sequences_of_cvc_clinicdb_are_29_and_end_with_the_last_picture():
    assert (len(SEQUENCE_ENDS), SEQUENCE_ENDS[-1]) == (29, 612)
    lengths = np.diff((0, *SEQUENCE_ENDS))
    assert (lengths.min(), lengths.max()) == (6, 26)


@pytest.mark.parametrize(("folder", "suffix"), [("", "tif"), ("PNG/", "png")])
def test_cvc_clinicdb_is_divided_into_its_sequences(tmp_path, folder, suffix):
    for number in range(1, 31):
        plant(tmp_path / f"root/{folder}Original/{number}.{suffix}", np.full((*SIZE, 3), number, np.uint8))
        plant(tmp_path / f"root/{folder}Ground Truth/{number}.{suffix}", square())
    samples = find_collection("cvc_clinicdb").samples(tmp_path / "root")
    assert [(sample.name, len(sample.media)) for sample in samples] == [("sequence_01", 25), ("sequence_02", 5)]
    content = write("cvc_clinicdb", tmp_path / "root", tmp_path / "list.json")
    assert read_case(tmp_path / "list.json")[0] == 25
    with open_video(tmp_path / content["videos"][0]["video"]) as video:
        assert [int(video.read(index)[0, 0, 0]) for index in range(25)] == list(range(1, 26))


def test_a_damaged_video_costs_only_itself(tmp_path, caplog):
    plant_camus(tmp_path / "root", patients=(1, 2))
    next((tmp_path / "root").rglob("patient0001_2CH_half_sequence.nii.gz")).write_bytes(b"cut off")
    with caplog.at_level(logging.WARNING):
        content = write("camus", tmp_path / "root", tmp_path / "list.json")
    assert len(content["videos"]) == 3
    assert "patient0001_2CH of camus is left out" in caplog.text


@pytest.mark.parametrize("name", ["camus", "hmc_qu", "asu_mayo", "cvc_clinicdb"])
def test_an_empty_folder_is_told_what_is_missing(tmp_path, name):
    with pytest.raises(UsageError, match=f"holds no labelled videos of {name}; expected .* get them from"):
        find_collection(name).samples(tmp_path)
