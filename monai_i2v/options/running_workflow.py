# SPDX-License-Identifier: Apache-2.0
"""The MONAI workflow whose ``initialize`` is at work, which hands neither itself nor its options to an expression."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import monai.bundle
from monai.bundle import ConfigParser, ConfigWorkflow

__all__ = ["given_options", "running_workflow"]


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


def _callers() -> Iterator[FrameType]:
    frame = inspect.currentframe()
    while frame is not None:
        yield frame
        frame = frame.f_back
