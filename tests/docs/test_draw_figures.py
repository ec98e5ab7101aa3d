# SPDX-License-Identifier: Apache-2.0
import importlib.util
import re
from pathlib import Path

import pytest
from PIL import Image

SCRIPT = Path(__file__).parents[2] / "docs/site/draw_figures.py"


@pytest.fixture
def script(tmp_path, monkeypatch, memory_net):
    """The script, drawing small pictures with an untrained network into a folder of its own."""
    spec = importlib.util.spec_from_file_location("draw_figures", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "SIZE", (96, 96))
    monkeypatch.setattr(module, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(module, "shipped_network", lambda: memory_net)
    return module


def test_the_script_draws_the_figures_of_the_concepts(script):
    script.main()
    page = (SCRIPT.parents[1] / "concepts.md").read_text()
    drawn = {path.name for path in script.FIGURES.iterdir()}
    assert drawn == set(re.findall(r"\(figures/(.*?)\)", page))
    with Image.open(script.FIGURES / "absence.png") as figure:
        assert figure.width == 1000
