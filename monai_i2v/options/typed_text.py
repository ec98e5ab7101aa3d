# SPDX-License-Identifier: Apache-2.0
"""Options that are paths and names reach the bundle as they were given, whatever signs are in them.

Fire reads ``2024_12_01`` as a number and ``out #2`` as ``out``; MONAI reads a first ``$`` as an expression, ``@`` as a
reference, and every ``#`` as ``::``.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Mapping
from typing import Any

from monai.bundle import EXPR_KEY, ID_REF_KEY, ConfigWorkflow

__all__ = ["keep_text"]


def keep_text(workflow: ConfigWorkflow, typed: Mapping[str, str], given: Mapping[str, Any]) -> None:
    """Let references to the options in `READERS` find what was given.

    Args:
        workflow: its config is parsed, and none of these options is evaluated yet.
        typed: texts of the command line.
        given: values that a caller in Python or a file of arguments gave; expressions and references of MONAI stay.
    """
    texts = {name: READERS[name](text) for name, text in typed.items() if name in READERS and text != "None"}
    plain = {name: value for name, value in given.items() if name in READERS and _is_plain(value)}
    workflow.parser.ref_resolver.resolved_content.update({**plain, **texts})


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) and not value.startswith((EXPR_KEY, ID_REF_KEY))


def _read_paths(text: str) -> str | list[Any]:
    """A path, or a list of them as Python writes it."""
    if not text.startswith(("[", "(")) or os.path.lexists(text):
        return text
    try:
        return list(ast.literal_eval(text))
    except (SyntaxError, ValueError, TypeError):
        return text


def _read_labels(text: str) -> str | int | list[int]:
    """A whole number, or some with commas between, in brackets or not."""
    parts = [part.strip() for part in text.strip("[]() ").rstrip(",").split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        return text
    return int(parts[0]) if parts == [text] else list(map(int, parts))


READERS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("video", "datalist", "output_dir", "checkpoint", "bundle_root", "dataset_dir"), str),
    **dict.fromkeys(
        ("ckpt_dir", "clips_dir", "encoder_weights", "start_from", "export_path", "log_dir", "repository"), str
    ),
    **dict.fromkeys(("tracking_uri", "experiment_name"), str),
    "ref_mask": _read_paths,
    "chamber": _read_labels,
}
