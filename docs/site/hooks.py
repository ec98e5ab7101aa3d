# SPDX-License-Identifier: Apache-2.0
"""Pages of the site whose text lives elsewhere: README and its like, model cards, tutorials, docstrings.

Every text has one home. Links between files of the repository become links between pages; a link to a file that is no
page becomes plain text.
"""

from __future__ import annotations

import ast
import base64
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
# Copies of the tutorials that the tests have executed: their pictures are shown.
EXECUTED = ROOT / "build" / "tutorials"


def module_of(source: Path) -> str:
    """Dotted name of a module, or of a package by its ``__init__.py``."""
    return ".".join(source.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


# Public modules that are in no package of the package.
MODULES = ("propagation.py", "errors.py")
# Files of the repository, and their pages.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    **{
        path.relative_to(ROOT).as_posix(): path.relative_to(ROOT / "docs").as_posix()
        for folder in (ROOT / "docs", ROOT / "docs" / "figures")
        for path in folder.glob("*.*")
    },
    **{
        f"bundles/{path.parts[-3]}/docs/README.md": f"bundles/{path.parts[-3]}.md"
        for path in (ROOT / "bundles").glob("*/docs/README.md")
    },
    **{f"tutorials/{path.name}": f"tutorials/{path.stem}.md" for path in (ROOT / "tutorials").glob("*.ipynb")},
    **{
        path.relative_to(ROOT).as_posix(): f"reference/{module_of(path).removeprefix('monai_i2v.')}.md"
        for path in [*(ROOT / "monai_i2v").glob("*/**/__init__.py"), *(ROOT / "monai_i2v" / name for name in MODULES)]
    },
}
SOURCES = {page: source for source, page in PAGES.items()}
LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from other files."""
    for source, page in PAGES.items():
        if source.startswith("docs/"):
            continue
        for name, content in _pages(ROOT / source, page):
            files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **kwargs: Any) -> str:
    """Let links between files lead to pages."""
    here = page.file.src_uri
    folder = posixpath.dirname(SOURCES[here])

    def lead(link: re.Match[str]) -> str:
        source = posixpath.normpath(posixpath.join(folder, link["target"]))
        target = PAGES.get(source)
        if target is None:  # what does not exist either is left to MkDocs, which complains
            return link["text"] if (ROOT / source).exists() else link.group()
        path = posixpath.relpath(target, posixpath.dirname(here) or ".")
        return f"{link['image']}[{link['text']}]({path}{link['anchor'] or ''})"

    return LINK.sub(lead, markdown)


def _pages(source: Path, page: str) -> Iterator[tuple[str, str | bytes]]:
    """A page, and its pictures."""
    if source.suffix == ".md":
        yield page, source.read_text(encoding="utf-8")
    elif source.suffix == ".py":
        yield page, _reference(source)
    else:
        yield from _tutorial(source, page)


def _reference(source: Path) -> str:
    """The public names of a package, or of a module, each with its docstring."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    module = module_of(source)
    if source.stem == "__init__":
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
        own = [node for node in imports if str(node.module).startswith(f"{module}.")]
        names = [f"{module}.{name.name}" for node in own for name in node.names]
    else:
        names = [f"{module}.{name}" for name in _all_of(tree)]
    about = ast.get_docstring(tree) or ""
    return f"# {module}\n\n{about.splitlines()[0]}\n\n" + "\n\n".join(f"::: {name}" for name in names)


def _all_of(tree: ast.Module) -> list[str]:
    """What a module lists in ``__all__``."""
    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    return next(ast.literal_eval(node.value) for node in assigned if ast.unparse(node.targets[0]) == "__all__")


def _tutorial(source: Path, page: str) -> Iterator[tuple[str, str | bytes]]:
    """The cells of a notebook, and what they showed when it was executed."""
    parts: list[str] = []
    for number, cell in enumerate(_executed(source).cells):
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for place, output in enumerate(cell.outputs):
            data = output.get("data", {})
            if "image/png" in data:
                picture = f"{page.removesuffix('.md')}_{number:02d}_{place}.png"
                yield picture, base64.b64decode(data["image/png"])
                parts.append(f"![what the cell shows]({posixpath.basename(picture)})")
            elif "text/plain" in data and "text/html" not in data:
                parts.append(f"```text\n{data['text/plain']}\n```")
    parts.insert(1, f"*This is `tutorials/{source.name}`: open it in Jupyter to run it.*")
    yield page, "\n\n".join(parts)


def _executed(source: Path) -> nbformat.NotebookNode:
    """A notebook with outputs, if there is a copy of it as it is now; else the notebook."""
    notebook = nbformat.read(source, as_version=4)
    copy = EXECUTED / source.name
    if not copy.is_file():
        return notebook
    executed = nbformat.read(copy, as_version=4)
    same = [cell.source for cell in executed.cells] == [cell.source for cell in notebook.cells]
    return executed if same else notebook
