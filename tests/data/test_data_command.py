# SPDX-License-Identifier: Apache-2.0
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_i2v.data import __main__
from monai_i2v.data.__main__ import main
from monai_i2v.data.collections import COLLECTIONS, describe_collections
from monai_i2v.errors import UsageError

DOCS = Path(__file__).parents[2] / "docs/collections.md"


@pytest.fixture
def root(tmp_path):
    """Two pairs, one with a mask of one label and one with two."""
    for name, values in (("1", (0, 5)), ("2", (5, 9))):
        for folder in ("images", "masks"):
            (tmp_path / "root" / folder).mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 6)).save(tmp_path / f"root/images/{name}.png")
        Image.fromarray(np.repeat(np.array(values, np.uint8), 24).reshape(6, 8)).save(
            tmp_path / f"root/masks/{name}.png"
        )
    return tmp_path / "root"


def test_the_table_in_the_docs_is_that_of_the_command(capsys):
    main(["list"])
    shown = capsys.readouterr().out.strip()
    assert shown == describe_collections()
    assert len(shown.splitlines()) == 2 + len(COLLECTIONS)
    assert shown in DOCS.read_text()


def test_check_counts(root, capsys):
    (root / "masks/2.png").unlink()
    main(["check", "paired_folder", str(root)])
    assert capsys.readouterr().out == "all: found 1\nwithout mask: 1 (2)\n"


def test_datalist_says_what_it_wrote(root, tmp_path, capsys):
    output = tmp_path / "list.json"
    main(["datalist", "paired_folder", str(root), "--output", str(output), "--labels", "9"])
    assert capsys.readouterr().out == f"{output}: 1 training\n"
    (item,) = json.loads(output.read_text())["training"]
    assert item["classes"] == [9]
    globs = ["--images", "images/*.png", "--masks", "masks/*.png", "--binary"]
    main(["datalist", "paired_folder", str(root), "--output", str(tmp_path / "b.json"), *globs, "--held_out", "0.5"])
    content = json.loads((tmp_path / "b.json").read_text())
    assert [content[split][0]["classes"] for split in ("training", "validation")] == [[1], [1]]


def test_assemble_names_what_is_missing(root, tmp_path, capsys):
    main(["assemble", "os_i2v_seg", f"brain_tumor={root}", "--output", str(tmp_path / "b.json")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{tmp_path / 'b.json'}: 2 training"
    assert len(lines) == 16
    assert lines[1].startswith("not given: busi, from Dataset of breast ultrasound images, https://")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "mnist", "."], "there is no collection 'mnist'"),
        (["check", "busi", "nowhere"], "there is no folder nowhere"),
        (["check", "busi", ".", "--binary"], "busi knows its own layout"),
        (["assemble", "tcmn", "busi", "--output", "a.json"], "'busi' is no root; expected NAME=FOLDER"),
    ],
)
def test_what_is_wrong_is_said(arguments, sentence):
    with pytest.raises(UsageError, match=sentence):
        main(arguments)


def test_the_command_shows_errors_in_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(sys, "argv", ["data", "check", "busi", str(tmp_path)])
    with pytest.raises(UsageError) as caught:
        runpy.run_path(__main__.__file__, run_name="__main__")
    sys.excepthook(UsageError, caught.value, None)
    shown = capsys.readouterr().err.strip()
    assert shown.startswith(f"monai_i2v: {tmp_path} holds no labelled stills of busi; expected")
    assert "\n" not in shown
