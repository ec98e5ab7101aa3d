# SPDX-License-Identifier: Apache-2.0
import configparser
import zipfile
from pathlib import Path

import monai.bundle
import pytest
import torch
from monai.bundle import ConfigParser

from monai_i2v.__main__ import main
from monai_i2v.commands.bundles import CONTENT, export_bundle
from monai_i2v.files.bundle_folders import bundle_folders, find_bundle

ROOT = Path(__file__).parents[2]


def test_the_list_names_every_bundle_its_folder_and_its_card(capsys):
    main(["bundles"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    folders = [Path(words[1]) for words in lines if words[:1] == ["folder"]]
    cards = [Path(words[2]) for words in lines if words[:2] == ["model", "card"]]
    assert folders == [*bundle_folders().values()]
    assert len(folders) == 4
    assert cards == [folder / "docs/README.md" for folder in folders]
    assert all(card.is_file() for card in cards)


@pytest.mark.filterwarnings("ignore:No hash value provided")  # a person's own file
def test_an_archive_is_what_monai_downloads_and_loads(tmp_path):
    bundle = find_bundle("temporal")
    archive = export_bundle(bundle, tmp_path / "zips")
    names = zipfile.ZipFile(archive).namelist()
    assert {name.partition("/")[0] for name in names} == {bundle.name}
    monai.bundle.download(name=bundle.name, url=archive.as_uri(), bundle_dir=tmp_path / "got", progress=False)
    unpacked = tmp_path / "got" / bundle.name
    assert (unpacked / "models/model.pt").read_bytes() == (bundle / "models/model.pt").read_bytes()
    parser = ConfigParser()
    parser.read_config(str(unpacked / "configs/inference.json"))
    network = parser.get_parsed_content("network_def")
    torch.nn.init.zeros_(network.project_key.weight)
    monai.bundle.load(name=bundle.name, model=network, bundle_dir=tmp_path / "got", device="cpu")
    assert network.project_key.weight.std() > 0.01


def test_the_same_bundle_makes_the_same_archive(tmp_path, capsys):
    main(["bundles", "export", str(tmp_path / "a"), "temporal"])
    again = export_bundle(find_bundle("temporal"), tmp_path / "b")
    assert (tmp_path / "a" / again.name).read_bytes() == again.read_bytes()
    assert capsys.readouterr().out.strip() == str(tmp_path / "a" / again.name)


def test_the_wheel_brings_along_what_belongs_to_a_bundle():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    patterns = setup["options.package_data"]["monai_i2v"].split("\n")
    assert [f"bundles/*/{part}" for part in CONTENT] == [one for one in patterns if one.startswith("bundles/")]


@pytest.mark.parametrize("command", [["--version"], ["--help"], ["annotate", "--help"]])
def test_short_answers_need_nothing_else(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 0
    assert "monai_i2v" in capsys.readouterr().out
