# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
from planting import plant, square

from monai_i2v.data import list_cases, read_training_list
from monai_i2v.data.collections import BENCHMARKS, read_benchmark
from monai_i2v.errors import UsageError


def plant_cvc(root):
    for number in range(1, 127):  # six sequences
        plant(root / f"Original/{number}.png", np.full((12, 16, 3), number, np.uint8))
        plant(root / f"Ground Truth/{number}.png", square())


def test_both_benchmarks_come_with_the_package():
    assert BENCHMARKS == ("os_i2v_seg", "tcmn")
    images = read_benchmark("os_i2v_seg").sections["training"]
    sets = {part.set or part.collection.set or part.collection.name for part in images}
    assert len(sets - {"pascal_5i"}) == 8  # medical categories of the paper
    assert "not published" in read_benchmark("tcmn").description


def test_training_and_evaluation_of_tcmn_share_no_sequence(tmp_path):
    plant_cvc(tmp_path / "root")
    counts = read_benchmark("tcmn").write(tmp_path / "tcmn.json", {"cvc_clinicdb": tmp_path / "root"})
    assert counts == {"training": 5, "validation": 1, "videos": 1}
    trained = {item["group"] for item in read_training_list(tmp_path / "tcmn.json")}
    (case,) = list_cases(datalist=str(tmp_path / "tcmn.json"))
    assert case.name.removeprefix("cvc_clinicdb_") not in trained
    assert json.loads((tmp_path / "tcmn.json").read_text())["missing"] == ["asu_mayo", "hmc_qu", "camus"]


def plant_lungs(root):
    for folder in ("qata_cov19/Train Set", "qata_cov19/Test Set"):
        plant(root / folder / "Images/a.png")
        plant(root / folder / "Ground-truths/mask_a.png", square())
    plant(root / "covid_ct/frames/a.png")
    plant(root / "covid_ct/masks/a.png", square())
    return {name: root / name for name in ("qata_cov19", "covid_ct")}


def test_sets_can_be_named_together(tmp_path):
    read_benchmark("os_i2v_seg").write(tmp_path / "list.json", plant_lungs(tmp_path))
    items = [item for part in ("training", "validation") for item in read_training_list(tmp_path / "list.json", part)]
    assert [item["set"] for item in items] == ["covid_lung"] * 3
    assert len({item["label"] for item in items}) == 3  # of one name, but three images


def test_a_missing_split_is_said_before_anything_is_written(tmp_path):
    roots = plant_lungs(tmp_path)
    (tmp_path / "qata_cov19/Test Set/Images/a.png").unlink()
    with pytest.raises(UsageError, match="has no split 'test' of qata_cov19; expected one of training"):
        read_benchmark("os_i2v_seg").write(tmp_path / "lists/list.json", roots)
    assert not (tmp_path / "lists").exists()


def test_ones_own_benchmark_is_a_file(tmp_path):
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"name": "own", "description": "", "test": [{"collection": "tn3k", "split": "test"}]}))
    assert read_benchmark(str(path)).collections == ["tn3k"]
    for content in (
        "{",
        '{"name": "own"}',
        '{"name": "", "description": "", "test": [{"collection": "tn3k", "x": 1}]}',
    ):
        path.write_text(content)
        with pytest.raises(UsageError, match=r"own\.json is no benchmark; expected"):
            read_benchmark(str(path))
    path.write_text('{"name": "", "description": "", "test": [{"collection": "mnist"}]}')
    with pytest.raises(UsageError, match="there is no collection 'mnist'; expected one of busi, "):
        read_benchmark(str(path))


def test_wrong_roots_are_named(tmp_path):
    with pytest.raises(UsageError, match="there is no benchmark davis; expected one of os_i2v_seg, tcmn"):
        read_benchmark("davis")
    with pytest.raises(UsageError, match="TCMN does not take 'busi'; expected NAME=FOLDER"):
        read_benchmark("tcmn").write(tmp_path / "a.json", {"busi": tmp_path})
    with pytest.raises(UsageError, match="no collection of TCMN is given"):
        read_benchmark("tcmn").write(tmp_path / "a.json", {})
