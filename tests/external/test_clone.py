# SPDX-License-Identifier: Apache-2.0
import sys
import threading
import types

import pytest
from stand_ins import write

from monai_i2v.errors import UsageError
from monai_i2v.external import Clone

FILES = {
    "model/__init__.py": "",
    "model/network.py": "from utils import name\nfrom model.part import half\nclass Net:\n    whose = name\n",
    "model/part.py": "half = 1 / 2\n",
    "utils.py": "name = 'first'\n",
    "json.py": "raise RuntimeError('this hides the module of Python')\n",
    "numpy/notes.txt": "a mere folder\n",
    "data/names.py": "names = ['a']\n",
}


@pytest.fixture
def first(tmp_path):
    return Clone(write(tmp_path / "first", FILES), "somebody/first", ["model/network.py"])


@pytest.fixture
def second(tmp_path):
    files = {**FILES, "utils.py": "name = 'second'\n"}
    return Clone(write(tmp_path / "second", files), "somebody/second", ["model/network.py"])


def test_two_clones_with_the_same_names_do_not_meet_and_leave_nothing_behind(first, second):
    path, names, finders = list(sys.path), set(sys.modules), list(sys.meta_path)
    with first.open() as load:
        net = load("model.network").Net
    with second.open() as load:
        other = load("model.network").Net
    assert (net.whose, other.whose) == ("first", "second")
    assert sys.path == path
    assert sys.meta_path == finders
    assert not {"model", "utils", "model.network"} & set(sys.modules) - names
    with first.open() as load:
        assert load("model.network").Net is net  # not a second time


def test_what_had_these_names_before_is_back(first, monkeypatch):
    ours = types.ModuleType("utils")
    monkeypatch.setitem(sys.modules, "utils", ours)
    with first.open() as load:
        assert load("utils").name == "first"
    assert sys.modules["utils"] is ours


def test_python_and_installed_packages_are_not_hidden_by_what_lies_in_a_clone(first):
    with first.open() as load:
        assert load("json").dumps([1]) == "[1]"
        assert load("numpy").zeros(2).sum() == 0
        assert load("data.names").names == ["a"]  # a folder without __init__.py


def test_what_a_clone_must_have_is_its_own_even_where_a_package_has_that_name(tmp_path):
    clone = Clone(write(tmp_path, {"tqdm/model/a.py": "one = 1\n"}), "somebody/first", ["tqdm/model/a.py"])
    before = sys.modules.get("tqdm")
    with clone.open() as load:
        assert load("tqdm.model.a").one == 1
    assert sys.modules.get("tqdm") is before


def test_another_thread_does_not_find_the_modules(first):
    found = []

    def look():
        try:
            __import__("data.names")
        except ImportError:
            found.append("nothing")

    with first.open():
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert found == ["nothing"]


def test_a_failure_inside_leaves_nothing_behind(first):
    names = set(sys.modules)
    write(first.path, {"model/broken.py": "import model.network\nraise KeyError\n"})
    with pytest.raises(KeyError), first.open() as load:
        load("model.broken")
    assert "model" not in set(sys.modules) - names


def test_a_folder_that_is_no_clone_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"has no model/network.py, expected a clone of somebody/first; run git clone"):
        Clone(tmp_path, "somebody/first", ["model/network.py"])
    with pytest.raises(UsageError, match=r"repository is None, expected a clone of somebody/first; run git clone"):
        Clone(None, "somebody/first", [])


def test_a_package_that_is_missing_is_named(tmp_path):
    clone = Clone(write(tmp_path, {"model.py": "import no_such_package\n"}), "somebody/first", ["model.py"])
    expected = r"somebody/first needs the Python package no_such_package, which cannot be"
    with pytest.raises(UsageError, match=expected), clone.open() as load:
        load("model")


def test_code_that_asks_for_a_gpu_is_refused_in_one_sentence(tmp_path):
    code = "raise AssertionError('Torch not compiled with CUDA enabled')\n"
    clone = Clone(write(tmp_path, {"model.py": code}), "somebody/first", ["model.py"])
    expected = r"asks for a GPU \(Torch not compiled with CUDA enabled\), which is not there"
    with pytest.raises(UsageError, match=expected), clone.open() as load:
        load("model")


def test_the_commit_is_that_of_git_or_unknown(first):
    assert first.commit == "somebody/first, commit unknown" or "@" in first.commit
