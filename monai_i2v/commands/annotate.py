# SPDX-License-Identifier: Apache-2.0
"""The command ``python -m monai_i2v annotate``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from monai_i2v.commands.option_texts import option_texts
from monai_i2v.errors import UsageError
from monai_i2v.files.bundle_folders import DEFAULT_BUNDLE, find_bundle
from monai_i2v.files.user_path import user_path

__all__ = ["main", "parse_arguments"]

OPTIONS = ("device", "size", "crop", "absence", "chamber", "anonymize", "checkpoint")
WHOLE_NUMBERS = ("size", "chamber")


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line.

    Args:
        arguments: what follows the command's name.
    """
    parser = argparse.ArgumentParser(
        "python -m monai_i2v annotate",
        description="Opens a page on this machine to draw, correct and review masks; nothing leaves it. "
        "Sessions lie in OUTPUT_DIR/NAME.session/, results in OUTPUT_DIR/NAME/.",
    )
    parser.add_argument("video", nargs="?", help="movie, DICOM, NIfTI, folder of frames ...")
    parser.add_argument("--datalist", help="JSON file that lists several videos instead")
    parser.add_argument("--ref_mask", help="a mask to begin with")
    parser.add_argument("--ref_frame", type=int, default=0, help="the frame that it belongs to, from 0")
    parser.add_argument("--output_dir", required=True, help="folder of sessions and results; it is made")
    parser.add_argument("--bundle_root", help=f"folder or name of a bundle; {DEFAULT_BUNDLE} if not given")
    parser.add_argument("--port", type=int, default=0, help="of the loopback address; one that is free if not given")
    parser.add_argument("--no-browser", action="store_true", help="print the address, and open nothing")
    own = parser.add_argument_group("as for the bundle")
    texts = option_texts(DEFAULT_BUNDLE)
    for name in OPTIONS:
        about = texts[name].about.replace("%", "%%")
        own.add_argument(f"--{name}", type=int if name in WHOLE_NUMBERS else str, help=about)
    own.add_argument("--method", help="a published system instead of the bundle's network, such as sam2.1_tiny")
    own.add_argument("--repository", help="a clone of its code")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Serve the page.

    Args:
        arguments: what follows the command's name.

    Raises:
        UsageError: When the video, the bundle or the port is not as expected.
    """
    args = parse_arguments(arguments)
    if args.repository and not args.method:
        raise UsageError(
            f"repository is {args.repository}, but no method was given, expected its system; add --method."
        )
    from monai_i2v.app.annotate import annotate
    from monai_i2v.app.bundle_parts import read_bundle
    from monai_i2v.data import list_cases
    from monai_i2v.media import open_video

    cases = list_cases(args.video, args.ref_mask, args.ref_frame, args.datalist, to_draw=True)
    output_dir = user_path(args.output_dir)
    given = {name: value for name in (*OPTIONS, "method", "repository") if (value := getattr(args, name)) is not None}
    open_video(cases[0].video).close()  # what is wrong with it is said before a network is built
    overlays = ["external.json"] if args.method else []
    parts = read_bundle(find_bundle(args.bundle_root), {"output_dir": str(output_dir), **given}, overlays)
    annotate(cases, Path(output_dir), parts, port=args.port, browser=not args.no_browser)
