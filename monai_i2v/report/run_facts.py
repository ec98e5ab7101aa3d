# SPDX-License-Identifier: Apache-2.0
"""How a result came about: versions, settings, fingerprints of the files, times."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from glob import glob
from pathlib import Path
from typing import Any

import monai
import numpy as np
import torch

from monai_i2v.files.complete_file import complete_file
from monai_i2v.files.user_path import user_path
from monai_i2v.media import VideoInfo

__all__ = ["describe_files", "sha256_of", "write_run_facts"]

CHUNK = 1 << 20  # bytes read at a time


def write_run_facts(
    path: str | Path,
    info: VideoInfo,
    facts: Mapping[str, Any],
) -> None:
    """Write ``run.json``.

    Args:
        path: file to write.
        info: facts about the video.
        facts: anything else that JSON can hold.

    Raises:
        UsageError: When the file cannot be written.
    """
    video = {**asdict(replace(info, sources=(), frame_times=())), "path": Path(info.path).name}
    del video["sources"], video["frame_times"]  # which are in masks.dcm and measurements.csv
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "monai": monai.__version__,
        "numpy": np.__version__,
    }
    content = {"versions": versions, "video": video, **facts}
    with complete_file(path) as partial:
        partial.write_text(json.dumps(content, indent=2, default=str), encoding="utf-8")


def describe_files(files: Mapping[str, str | Path], *, anonymize: bool = False) -> dict[str, dict[str, str | None]]:
    """Bare name and SHA-256 of files by role, for ``run.json``; nothing else of them.

    Args:
        files: files, folders and patterns by role.
        anonymize: leave the names out.

    Example::

        >>> from monai_i2v.report.run_facts import describe_files
        >>> describe_files({"video": "gone/a.mp4"})
        {'video': {'name': 'a.mp4', 'sha256': None}}
    """
    return {
        role: {"name": None if anonymize else Path(file).name, "sha256": sha256_of(file)}
        for role, file in files.items()
    }


def sha256_of(path: str | Path) -> str | None:
    """SHA-256 of a file's content; of a folder or a pattern, of the names and contents of the files that are directly
    in it; None where there is nothing, or something cannot be read.
    """
    path = user_path(path)
    try:
        if path.is_file():
            return _digest([path])
        files = [file for file in (path.iterdir() if path.is_dir() else map(Path, glob(str(path)))) if file.is_file()]
        return _digest(sorted(files), with_names=True) if files else None
    except OSError:
        return None


def _digest(files: Sequence[Path], *, with_names: bool = False) -> str:
    digest = hashlib.sha256()
    for path in files:
        if with_names:
            digest.update(os.fsencode(path.name) + b"\0" + path.stat().st_size.to_bytes(8, "little"))
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()
