# SPDX-License-Identifier: Apache-2.0
"""How a result came about: versions, settings, fingerprints of the files, times."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import monai
import numpy as np
import torch

from monai_i2v.data import VideoInfo
from monai_i2v.data.complete_file import complete_file

__all__ = ["sha256_of", "write_run_facts"]

CHUNK = 1 << 20  # bytes read at a time


def write_run_facts(
    path: str | Path,
    info: VideoInfo,
    facts: Mapping[str, Any],
    *,
    files: Mapping[str, str | Path],
    anonymize: bool = False,
) -> None:
    """Write ``run.json``. Of files it keeps the bare name and the SHA-256, and nothing of their content.

    Args:
        path: file to write.
        info: facts about the video.
        facts: anything else that JSON can hold.
        files: files that went in, by role.
        anonymize: leave the names of these files out.

    Raises:
        UsageError: When the file cannot be written.
    """
    video = {**asdict(replace(info, sources=())), "path": Path(info.path).name}
    del video["sources"]
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "monai": monai.__version__,
        "numpy": np.__version__,
    }
    hashes = {
        role: {"name": None if anonymize else Path(file).name, "sha256": sha256_of(file)}
        for role, file in files.items()
    }
    content = {"versions": versions, "video": video, "files": hashes, **facts}
    with complete_file(path) as partial:
        partial.write_text(json.dumps(content, indent=2, default=str), encoding="utf-8")


def sha256_of(path: str | Path) -> str | None:
    """SHA-256 of a file's content, None for folders and patterns."""
    path = Path(path)
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
