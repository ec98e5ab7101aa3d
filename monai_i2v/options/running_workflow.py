# SPDX-License-Identifier: Apache-2.0
"""The MONAI workflow whose ``initialize`` is at work, which hands neither itself nor its options to an expression."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import monai.bundle
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.utils import ensure_tuple

__all__ = ["defined_options", "given_options", "running_workflow"]

# What MONAI calls the config files of a bundle.
OWN_FILES = ("inference.json", "train.json")


def running_workflow() -> ConfigWorkflow | None:
    """The innermost workflow among the callers; None where a config is read without one."""
    for frame in _callers():
        workflow = frame.f_locals.get("self")
        if isinstance(workflow, ConfigWorkflow):
            return workflow
    return None


def given_options() -> Mapping[str, Any]:
    """What was given to `monai.bundle.run`, by its file of arguments and over it by keywords; none without it."""
    for frame in _callers():
        if frame.f_code is monai.bundle.run.__code__:
            given = frame.f_locals
            return {**ConfigParser.load_config_file(given["args_file"]), **given["override"]}
    return {}


def defined_options(workflow: ConfigWorkflow) -> set[str]:
    """Ids that the first config file defines; without `monai.bundle.run`, those of the `OWN_FILES` of the bundle."""
    first: Any = [file for file in map(Path(workflow.config_root_path).joinpath, OWN_FILES) if file.is_file()]
    for frame in _callers():
        if frame.f_code is monai.bundle.run.__code__:
            given = frame.f_locals
            files = given["config_file"] or ConfigParser.load_config_file(given["args_file"]).get("config_file")
            first = ensure_tuple(files)[:1] if files else first
    return {str(name) for file in first for name in ConfigParser.load_config_file(file)}


def _callers() -> Iterator[FrameType]:
    frame = inspect.currentframe()
    while frame is not None:
        yield frame
        frame = frame.f_back
