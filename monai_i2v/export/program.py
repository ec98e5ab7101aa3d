# SPDX-License-Identifier: Apache-2.0
"""What a module computes, as a file."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from monai_i2v.errors import UsageError
from monai_i2v.files.complete_file import complete_file

__all__ = ["save_program"]

FORMATS = (".onnx", ".pt2")


def save_program(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    path: Path,
    *,
    dynamic: Mapping[str, Mapping[int, Any]],
) -> None:
    """Write a module as ``.onnx``, or as ``.pt2``, which `torch.export.load` reads.

    Args:
        module: the module, in evaluation mode.
        inputs: example of each input of its ``forward``, by name; a size of 1 stays 1.
        outputs: names of what it returns, for ONNX.
        path: file to write; the suffix chooses the format.
        dynamic: per input, the axes whose size is free, with a `torch.export.Dim` each.

    Raises:
        UsageError: When the suffix is neither, a package is missing, or the file cannot be written.
    """
    if path.suffix not in FORMATS:
        raise UsageError(f"{path} has the suffix {path.suffix!r}, expected one of {', '.join(FORMATS)}; use .onnx.")
    if path.suffix == ".onnx" and not (find_spec("onnx") and find_spec("onnxscript")):
        raise UsageError("ONNX needs the packages onnx and onnxscript, which are missing; install monai_i2v[export].")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of its own code
        program = torch.export.export(module, (), dict(inputs), dynamic_shapes=dict(dynamic))
        with complete_file(path) as partial:
            if path.suffix == ".pt2":
                torch.export.save(program, partial)
                return
            converted = torch.onnx.export(program, output_names=list(outputs), dynamo=True, verbose=False)
            assert converted is not None
            converted.save(partial, external_data=False)
