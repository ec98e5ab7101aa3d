# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "tutorials").glob("*.ipynb"))
EXECUTED = ROOT / "build" / "tutorials"  # the documentation site shows their pictures
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder beside the bundles, as `tutorials` is in a clone; what a notebook writes stays in it."""
    for name in ("bundles", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "tutorials").mkdir()
    for picture in (ROOT / "tutorials").glob("*.png"):
        (tmp_path / "tutorials" / picture.name).symlink_to(picture)
    for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / "jupyter"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path / "tutorials"


@each_notebook
def test_every_cell_runs_in_a_fresh_kernel(path, clone):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(clone)}}).execute()
    EXECUTED.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, EXECUTED / path.name)


@each_notebook
def test_what_is_committed_has_no_outputs(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
