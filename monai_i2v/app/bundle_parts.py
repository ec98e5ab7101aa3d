# SPDX-License-Identifier: Apache-2.0
"""What a bundle's command line works with, for the page: its network, its inferer, its writers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from monai.bundle import ConfigParser

from monai_i2v.errors import UsageError
from monai_i2v.inferers import PropagationInferer

__all__ = ["BundleParts", "read_bundle"]


class BundleParts(NamedTuple):
    """What the command line of a bundle is made of."""

    network: Any  # a `VideoSegmenter`, on its device, behind what the inferer puts before it
    inferer: PropagationInferer
    handlers: list[Any]  # that write results


def read_bundle(root: Path, overrides: Mapping[str, Any], overlays: Sequence[str] = ()) -> BundleParts:
    """Build what the command line would build, with the same options.

    Args:
        root: folder of the bundle.
        overrides: values of its configuration, as after ``--`` on the command line.
        overlays: further files of its ``configs``, over ``inference.json``.

    Raises:
        UsageError: As the command line, in the same sentence.
    """
    parser = ConfigParser()
    parser.read_config([str(root / "configs" / file) for file in ("inference.json", *overlays)])
    parser.update({"bundle_root": str(root), **overrides})
    try:
        device = parser.get_parsed_content("evaluator#device")
        network = parser.get_parsed_content("network").to(device).eval()
        inferer = parser.get_parsed_content("inferer")
        return BundleParts(inferer.gated(network), inferer, parser.get_parsed_content("handlers"))
    except Exception as error:
        raise _usage_error(error) from error


def _usage_error(error: BaseException) -> BaseException:
    """The `UsageError` among the causes of an error, which MONAI wraps; else the error itself."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, UsageError):
        cause = cause.__cause__ or cause.__context__
    return cause or error
