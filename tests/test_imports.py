# SPDX-License-Identifier: Apache-2.0
"""What an import costs: libraries are loaded where they are used."""

import subprocess
import sys

import pytest

LIBRARIES = {
    *("torch", "monai", "ignite", "scipy", "matplotlib", "nibabel", "SimpleITK", "pydicom", "highdicom", "av", "fire"),
    *("openpyxl", "starlette", "uvicorn", "onnx", "onnxruntime"),
}
SHOW = "import sys, {}; print(*(name for name in {!r} if name in sys.modules))"


def loaded_by(module: str) -> set[str]:
    """The libraries that a fresh Python has loaded after an import."""
    command = [sys.executable, "-c", SHOW.format(module, sorted(LIBRARIES))]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("module", "needed"),
    [("monai_i2v", set()), ("monai_i2v.networks", {"torch"}), ("monai_i2v.options", set())],
)
def test_an_import_loads_only_what_it_needs(module, needed):
    assert loaded_by(module) == needed


def test_the_parts_of_a_movie_load_no_library_of_other_formats():
    modules = "monai_i2v.media, monai_i2v.masks, monai_i2v.tracking, monai_i2v.report.contact_sheet"
    unused = {"highdicom", "SimpleITK", "starlette", "openpyxl", "onnx"}
    assert not unused & loaded_by(modules)


def test_subpackages_are_there_without_an_import_of_their_own():
    import monai_i2v

    assert monai_i2v.memory.MemoryBank.__name__ == "MemoryBank"
    assert {"networks", "__version__"} <= set(dir(monai_i2v))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = monai_i2v.nonsense
