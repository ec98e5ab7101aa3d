# SPDX-License-Identifier: Apache-2.0
"""Brings the bundles into the wheel, and whatever else of ``package_data`` (setup.cfg) lies beside the package.

In a clone, and so in an editable install, they stay where they are: `monai_i2v.files.bundle_folders` finds both.
"""

from __future__ import annotations

import os
from glob import glob
from pathlib import Path
from typing import Any

from setuptools.command.build_py import build_py

__all__ = ["IntoWheel"]

PACKAGE = "monai_i2v"


class IntoWheel(build_py):
    """The step of setuptools that gathers a package's files; pyproject.toml names it."""

    def _get_data_files(self) -> list[tuple[Any, ...]]:
        """Per package its folder, where it goes, and the files in it; what lies beside it comes last."""
        beside = sorted(
            path for pattern in self.package_data[PACKAGE] for path in glob(pattern) if os.path.isfile(path)
        )
        return [*super()._get_data_files(), (PACKAGE, ".", os.path.join(self.build_lib, PACKAGE), beside)]

    def get_source_files(self) -> list[str]:
        """Files of the source archive; this one is among them, as the wheel is built from there too."""
        return [*super().get_source_files(), os.path.relpath(Path(__file__))]
