# SPDX-License-Identifier: Apache-2.0
"""The command ``python -m monai_i2v bundles``: what comes along, for people and for MONAI."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
import zipfile
from collections.abc import Sequence
from pathlib import Path

from monai_i2v.files.bundle_folders import DEFAULT_BUNDLE, bundle_folders, find_bundle
from monai_i2v.files.complete_file import complete_file
from monai_i2v.files.user_path import user_path

__all__ = ["export_bundle", "main"]

# What belongs to a bundle; results and exports may lie beside it. setup.cfg names the same for the wheel.
CONTENT = ("LICENSE", "configs/*", "docs/*", "models/model.pt")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bundle makes the same archive


def main(arguments: Sequence[str]) -> None:
    """List the bundles, or export them.

    Args:
        arguments: what follows the command's name.

    Raises:
        UsageError: When a bundle is unknown, or a file cannot be written.
    """
    parser = argparse.ArgumentParser(
        "python -m monai_i2v bundles",
        description="Lists the bundles that come along: what they do, where they lie, and their model cards.",
    )
    commands = parser.add_subparsers(dest="command", metavar="export")
    export = commands.add_parser(
        "export",
        help="write them as zip files",
        description="Writes NAME_vVERSION.zip per bundle, as monai.bundle.download unpacks it and monai.bundle.load "
        "reads it from there.",
    )
    export.add_argument("folder", metavar="DIR", help="folder to write to; it is made")
    export.add_argument("bundle", nargs="*", metavar="NAME", help="bundles to export; all if not given")
    args = parser.parse_args(arguments)
    if args.command is None:
        for folder in bundle_folders().values():
            sys.stdout.write(f"{_describe(folder)}\n")
        return
    for folder in [find_bundle(name) for name in args.bundle or bundle_folders()]:
        sys.stdout.write(f"{export_bundle(folder, user_path(args.folder))}\n")


def export_bundle(bundle: Path, folder: Path) -> Path:
    """Write a bundle as the archive that MONAI's Model Zoo offers for download.

    Args:
        bundle: its folder.
        folder: folder to write to; it is made.

    Returns:
        The archive, ``NAME_vVERSION.zip``, which holds one folder ``NAME``.

    Raises:
        UsageError: When it cannot be written.
    """
    files = sorted(path for pattern in CONTENT for path in bundle.glob(pattern))
    archive = folder / f"{bundle.name}_v{_metadata(bundle)['version']}.zip"
    with complete_file(archive) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as target:
        for path in files:
            entry = zipfile.ZipInfo(f"{bundle.name}/{path.relative_to(bundle).as_posix()}", EPOCH)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            target.writestr(entry, path.read_bytes())
    return archive


def _describe(bundle: Path) -> str:
    metadata = _metadata(bundle)
    used = " (taken if none is named)" if bundle.name == DEFAULT_BUNDLE else ""
    about = textwrap.fill(metadata["description"], 100, initial_indent=" " * 4, subsequent_indent=" " * 4)
    card = bundle / "docs" / "README.md"
    return f"{bundle.name} {metadata['version']}{used}\n{about}\n    folder      {bundle}\n    model card  {card}\n"


def _metadata(bundle: Path) -> dict[str, str]:
    metadata: dict[str, str] = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
    return metadata
