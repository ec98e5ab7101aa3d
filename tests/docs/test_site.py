# SPDX-License-Identifier: Apache-2.0
import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = [
    ".".join(path.relative_to(ROOT).parts[:-1]) for path in sorted((ROOT / "monai_i2v").glob("*/**/__init__.py"))
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built; a broken link, or a page that is not in the navigation, would have failed."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    command += ["--config-file", str(ROOT / "docs/site/mkdocs.yml")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_pages_load_nothing_from_the_network(site):
    loaded = re.compile(r"<(?:script|img|iframe|link[^>]*stylesheet)[^>]*(?:src|href)=[\"']?https?://")
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    assert not [page.name for page in pages if loaded.search(page.read_text())]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_its_place(package, site):
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    names = [alias.name for node in imports if f"{package}." in node.module for alias in node.names]
    page = (site / f"reference/{package.removeprefix('monai_i2v.')}.html").read_text()
    assert [name for name in names if f'id="{package}.{name}"' not in page] == []


def test_links_between_files_lead_to_pages(site):
    page = (site / "tutorials/train_the_memory_network.html").read_text()
    assert 'href="train_the_image_network.html"' in page
    assert 'href="results.html"' in (site / "index.html").read_text()
