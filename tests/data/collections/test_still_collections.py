# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from planting import SIZE, labels, plant, plant_litter, square, write

from monai_i2v.data import read_training_list
from monai_i2v.data.collections import find_collection, fold_classes
from monai_i2v.errors import UsageError


def plant_busi(root):
    folder = root / "Dataset_BUSI_with_GT"
    for number in (1, 2, 10):
        plant(folder / f"benign/benign ({number}).png", mode="RGB")
        plant(folder / f"benign/benign ({number})_mask.png", square(), "1")
    plant(folder / "benign/benign (10)_mask_1.png", square(left=9), "RGBA")
    plant(folder / "normal/normal (1).png")
    plant(folder / "normal/normal (1)_mask.png", np.zeros(SIZE, np.uint8), "RGB")
    return {"all": 3}


def plant_busi_copy(root):
    for kind, number in (("benign", 1), ("malignant", 1), ("malignant", 2)):
        plant(root / f"data/{kind}/images/{kind} ({number}).png")
        plant(root / f"data/{kind}/mask/{kind} ({number})_mask.png", square())
    return {"all": 3}


def plant_tn3k(root):
    for split, name in (("trainval", "0000"), ("trainval", "0001"), ("test", "0000")):
        plant(root / f"Thyroid Dataset/tn3k/{split}-image/{name}.jpg")
        plant(root / f"Thyroid Dataset/tn3k/{split}-mask/{name}.jpg", square(), quality=100)
    return {"training": 2, "test": 1}


def plant_mmotu(root):
    for name in ("1", "2", "10"):
        plant(root / f"OTU_2d/images/{name}.JPG")
        plant(root / f"OTU_2d/annotations/{name}_binary.PNG", square())
        plant(root / f"OTU_2d/annotations/{name}.PNG", np.dstack([square(), square(9), square(0)]))
    (root / "OTU_2d/train.txt").write_text("1\n2\n")
    (root / "OTU_2d/val.txt").write_text("10.JPG  0\n")
    return {"training": 2, "validation": 1}


def plant_mmotu_mirror(root):
    plant(root / "dataset/OTU_2D/train/train_image/1.JPG")
    plant(root / "dataset/OTU_2D/train/train_label/label/1.PNG", square())
    plant(root / "dataset/OTU_2D/test/image/1.JPG")
    plant(root / "dataset/OTU_2D/test/label/black_write/1.PNG", square())
    return {"training": 1, "test": 1}


def plant_pairs(images, masks, prefix=""):
    def do(root):
        for name in ("1", "2", "10"):
            plant(root / images / f"{name}.png")
            plant(root / masks / f"{prefix}{name}.png", square())
        return {"all": 3}

    return do


def plant_qata(root):
    for split, name in (("Train", "covid_1"), ("Train", "sub-S1_run-1"), ("Test", "covid_2")):
        plant(root / f"QaTa-COV19/QaTa-COV19-v2/{split} Set/Images/{name}.png")
        plant(root / f"QaTa-COV19/QaTa-COV19-v2/{split} Set/Ground-truths/mask_{name}.png", square())
    plant(root / "QaTa-COV19/QaTa-COV19-v1/Images/covid_1.png")
    plant(root / "QaTa-COV19/QaTa-COV19-v1/Ground-truths/mask_covid_1.png", square())
    return {"training": 2, "test": 1}


def plant_drive(root):
    for split, name in (("training", "21"), ("training", "22"), ("test", "01")):
        plant(root / f"DRIVE/{split}/images/{name}_{split}.tif", mode="RGB")
        plant(root / f"DRIVE/{split}/mask/{name}_{split}_mask.gif", np.full(SIZE, 255, np.uint8))
        if split == "training":
            plant(root / f"DRIVE/{split}/1st_manual/{name}_manual1.gif", square())
    return {"training": 2}


def plant_stare(root):
    for name in ("im0001", "im0002", "im0003"):
        plant(root / f"{name}.ppm.gz", mode="RGB")
    for name in ("im0001", "im0002"):
        plant(root / f"labels-ah/{name}.ah.ppm.gz", square())
        plant(root / f"labels-vk/{name}.vk.ppm.gz", square(left=9))
    plant(root / "im0002.ppm", mode="RGB")
    return {"all": 2}


def plant_chase(root):
    for name in ("Image_01L", "Image_01R", "Image_02L"):
        plant(root / f"{name}.jpg")
        plant(root / f"{name}_1stHO.png", square(), "1")
        plant(root / f"{name}_2ndHO.png", square(left=9), "1")
    return {"all": 3}


def plant_isic_2017(root):
    for folder, mask in (("Training_Data", "Training"), ("Test_v2_Data", "Test_v2")):
        plant(root / f"ISIC-2017_{folder}/ISIC_0000001.jpg")
        plant(root / f"ISIC-2017_{folder}/ISIC_0000001_superpixels.png")
        plant(root / f"ISIC-2017_{mask}_Part1_GroundTruth/ISIC_0000001_segmentation.png", square())
    return {"training": 1, "test": 1}


def plant_isic_2018(root):
    for split, name in (("Training", "ISIC_0000001"), ("Training", "ISIC_0000002"), ("Validation", "ISIC_0000003")):
        plant(root / f"ISIC2018_Task1-2_{split}_Input/{name}.jpg")
        plant(root / f"ISIC2018_Task1_{split}_GroundTruth/{name}_segmentation.png", square())
    return {"training": 2, "validation": 1}


BINARY = {
    "busi": plant_busi,
    "busi, copy": plant_busi_copy,
    "tn3k": plant_tn3k,
    "mmotu": plant_mmotu,
    "mmotu, mirror": plant_mmotu_mirror,
    "brain_tumor": plant_pairs("images", "masks"),
    "qata_cov19": plant_qata,
    "covid_ct": plant_pairs("frames", "masks"),
    "drive": plant_drive,
    "stare": plant_stare,
    "chase_db1": plant_chase,
    "isic_2017": plant_isic_2017,
    "isic_2018": plant_isic_2018,
}


@pytest.mark.parametrize("layout", BINARY)
def test_each_layout_gives_its_pairs_with_binary_masks(tmp_path, layout):
    plant_litter(tmp_path / "root")
    expected = BINARY[layout](tmp_path / "root")
    name = layout.partition(",")[0]
    found = dict(find_collection(name).check(tmp_path / "root").found)
    assert found == {"all": sum(expected.values())} | expected
    content = write(name, tmp_path / "root", tmp_path / "list.json")
    sections = {key: content[key] for key in ("training", "validation", "test") if key in content}
    splits = {"training": expected["all"]} if "all" in expected else expected
    assert {key: len(items) for key, items in sections.items()} == splits
    items = [item for section in sections for item in read_training_list(tmp_path / "list.json", section)]
    assert len({item["image"] for item in items}) == len({item["label"] for item in items}) == len(items)
    for item in items:
        assert item["classes"] == [1]
        mask = labels(item["label"])
        assert mask[3:7, 2:6].all()
        assert set(np.unique(mask)) == {0, 1}
        assert mask.sum() == (32 if "(10)" in item["label"] else 16)


@pytest.mark.parametrize("layout", BINARY)
def test_an_empty_folder_is_told_what_is_missing_and_where_it_is(tmp_path, layout):
    collection = find_collection(layout.partition(",")[0])
    with pytest.raises(UsageError, match=f"holds no labelled stills of {collection.name}; expected") as caught:
        collection.samples(tmp_path)
    assert "https://" in str(caught.value)
    assert collection.terms in str(caught.value)


def test_images_of_one_name_in_two_splits_are_two(tmp_path):
    plant_tn3k(tmp_path / "root")
    plant(tmp_path / "root/Thyroid Dataset/tn3k/test-mask/0000.jpg", square(left=9), quality=100)
    content = write("tn3k", tmp_path / "root", tmp_path / "list.json")
    assert content["test"][0]["image"].endswith("test-image/0000.jpg")
    np.testing.assert_array_equal(labels(tmp_path / content["test"][0]["label"]), square(1, left=9))
    np.testing.assert_array_equal(labels(tmp_path / content["training"][0]["label"]), square(1))


def test_names_are_in_the_order_in_which_people_count(tmp_path):
    plant_busi(tmp_path)
    names = [sample.name for sample in find_collection("busi").samples(tmp_path)]
    assert names == ["benign (1)", "benign (2)", "benign (10)"]


def test_both_eyes_of_a_child_are_one_group(tmp_path):
    plant_chase(tmp_path)
    groups = [sample.group for sample in find_collection("chase_db1").samples(tmp_path)]
    assert groups == ["Image_01", "Image_01", "Image_02"]


def test_zipped_images_are_written_where_readers_find_them(tmp_path):
    plant_stare(tmp_path / "root")
    items = write("stare", tmp_path / "root", tmp_path / "lists/stare.json")["training"]
    assert [item["image"] for item in items] == [f"stare/stare/images/im000{number}.png" for number in (1, 2)]
    assert (labels(tmp_path / "lists" / items[0]["image"]) == 99).all()


def test_other_images_stay_where_they_are(tmp_path):
    plant_mmotu(tmp_path / "root")
    items = write("mmotu", tmp_path / "root", tmp_path / "lists/mmotu.json")["training"]
    assert [item["image"] for item in items] == [str(tmp_path / f"root/OTU_2d/images/{name}.JPG") for name in "12"]


def test_missing_partners_are_counted_and_named(tmp_path):
    plant_drive(tmp_path)
    (tmp_path / "DRIVE/training/images/22_training.tif").unlink()
    text = str(find_collection("drive").check(tmp_path))
    assert text.splitlines() == [
        "training: found 1, published 20",
        "test: found 0, published 20",
        "all: found 1, published 40",
        "without mask: 1 (01)",
        "without image or video: 1 (22)",
    ]


def test_two_copies_in_one_folder_are_refused(tmp_path):
    plant_busi(tmp_path / "a")
    plant_busi(tmp_path / "b")
    with pytest.raises(UsageError, match=r"benign \(1\) of busi is there twice, .*/a/.* and .*/b/"):
        find_collection("busi").samples(tmp_path)


def plant_vocalfolds(root):
    """Three sequences, two of one patient; class 2 covers enough only in the last."""
    for name, right in (("patient1/seq1/0002", 60), ("patient1/seq4/0003_l", 60), ("patient2/seq8/0001", 400)):
        mask = np.zeros((64, 512), np.uint8)
        mask[:, :right] = 2
        mask[:, 400:] = 1
        plant(root / f"img/{name}.png", np.full((64, 512, 3), 99, np.uint8))
        plant(root / f"annot/{name}.png", mask)


def test_classes_that_are_mere_scraps_are_not_learned(tmp_path):
    plant_vocalfolds(tmp_path / "root")
    items = write("vocalfolds", tmp_path / "root", tmp_path / "list.json")["training"]
    assert [item["classes"] for item in items] == [[1, 2], [1, 2], [1, 2]]
    small = np.zeros((64, 512), np.uint8)
    small[:, :41] = 1  # 2624 px
    small[:, 41:81] = 6  # 2560 px
    plant(tmp_path / "root/annot/patient2/seq8/0001.png", small)
    items = write("vocalfolds", tmp_path / "root", tmp_path / "new.json")["training"]
    assert items[2]["classes"] == [1]
    assert set(np.unique(labels(tmp_path / items[2]["label"]))) == {0, 1, 6}


def test_a_patient_is_never_divided(tmp_path):
    plant_vocalfolds(tmp_path / "root")
    content = write("vocalfolds", tmp_path / "root", tmp_path / "list.json", held_out=0.5)
    groups = {section: {item["group"] for item in content[section]} for section in ("training", "validation")}
    assert groups["training"] | groups["validation"] == {"patient1", "patient2"}
    assert not groups["training"] & groups["validation"]


def plant_pascal(root):
    """An image with an aeroplane (1), a large cat (8) and a void border, and one with a person (15)."""
    folder = root / "VOCdevkit/VOC2012"
    first = np.zeros((100, 100), np.uint8)
    first[:50], first[50:70], first[70:80] = 8, 1, 255
    plant(folder / "JPEGImages/2007_000001.jpg", np.full((100, 100, 3), 9, np.uint8))
    plant(folder / "SegmentationClassAug/2007_000001.png", first)
    plant(folder / "SegmentationClass/2007_000001.png", np.zeros((100, 100), np.uint8))
    plant(folder / "JPEGImages/2008_000002.jpg", np.full((100, 100, 3), 9, np.uint8))
    plant(folder / "SegmentationClassAug/2008_000002.png", np.full((100, 100), 15, np.uint8))
    plant(folder / "JPEGImages/2009_000003.jpg")
    (folder / "ImageSets/Segmentation").mkdir(parents=True)
    (folder / "ImageSets/Segmentation/val.txt").write_text("2008_000002\n")


def test_pascal_has_twenty_classes_and_its_void_is_background(tmp_path):
    plant_pascal(tmp_path / "root")
    content = write("pascal_5i", tmp_path / "root", tmp_path / "list.json")
    assert [item["classes"] for item in content["training"]] == [[8]]  # 2000 px of the aeroplane are too few
    assert [item["classes"] for item in content["validation"]] == [[15]]
    mask = labels(tmp_path / content["training"][0]["label"])
    assert set(np.unique(mask)) == {0, 1, 8}
    assert len(find_collection("pascal_5i").classes) == 20


def test_a_fold_of_pascal_holds_five_classes(tmp_path):
    plant_pascal(tmp_path / "root")
    folds = [fold_classes(fold) for fold in range(4)]
    assert [value for fold in folds for value in fold] == list(range(1, 21))
    content = write("pascal_5i", tmp_path / "root", tmp_path / "list.json", labels=folds[1])
    assert [item["classes"] for item in content["training"]] == [[8]]
    assert "validation" not in content  # no person in fold 1
    assert set(np.unique(labels(tmp_path / content["training"][0]["label"]))) == {0, 8}
    with pytest.raises(UsageError, match="fold is 4, expected 0 to 3"):
        fold_classes(4)
