# SPDX-License-Identifier: Apache-2.0
"""A session's masks out, by the writers of the command line: with the same masks, the same files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine

from monai_i2v.data import VideoCase
from monai_i2v.engines import VideoEvents, VideoRun
from monai_i2v.errors import UsageError
from monai_i2v.masks.exchange import ExchangeFiles
from monai_i2v.masks.palette import png_palette
from monai_i2v.masks.png_masks import MAX_INDEX, save_png_labels
from monai_i2v.media import Video
from monai_i2v.session import VideoSession, session_results

__all__ = ["export_session"]

EXCHANGE = ".exchange"  # folder beside the session's, for other tools


def export_session(session: VideoSession, case: VideoCase, folder: Path, handlers: Sequence[Any]) -> Iterator[int]:
    """Give what a session knows to the handlers of the command line, frame by frame.

    What was drawn goes to ``<folder>/drawn/`` as PNGs, so that the command line can repeat it: its ``ref_mask``.
    Beside the session's folder, ``<name>.exchange/`` gets the masks for other tools; see `ExchangeFiles`.

    Args:
        session: with something drawn.
        case: its video.
        folder: of the session.
        handlers: of `VideoEvents`.

    Yields:
        The index of each frame that was written.

    Raises:
        UsageError: When nothing was drawn, or it cannot be written.
    """
    if not session.drawn:
        raise UsageError("no frame was annotated, expected one at least; draw one first.")
    label_maps = {frame: session[frame].label_map for frame in session.drawn}
    assert isinstance(session.video, Video)
    run = VideoRun(_with_masks(case, label_maps, folder / "drawn"), session.video, label_maps, session.labels)
    engine = Engine(lambda engine, data: None)
    engine.register_events(*VideoEvents)
    engine.state.video_run, engine.failures = run, []
    exchange = folder.with_suffix(EXCHANGE)
    for handler in [*handlers, _SaveExchange(session, exchange)]:
        handler.attach(engine)
    return _write(engine, run, session)


class _SaveExchange:
    """Writes ``coco.json`` and ``datumaro.zip``, for other tools."""

    def __init__(self, session: VideoSession, folder: Path) -> None:
        assert isinstance(session.video, Video)
        self.files, self.folder = ExchangeFiles(session.video, session.names), folder

    def attach(self, engine: Engine) -> None:
        engine.add_event_handler(VideoEvents.FRAME_COMPLETED, self._add)
        engine.add_event_handler(VideoEvents.VIDEO_COMPLETED, self._save)

    def _add(self, engine: Engine) -> None:
        self.files.add(engine.state.output.index, engine.state.output.label_map)

    def _save(self) -> None:
        self.files.save_coco(self.folder / "coco.json")
        self.files.save_datumaro(self.folder / "datumaro.zip")


def _write(engine: Engine, run: VideoRun, session: VideoSession) -> Iterator[int]:
    begin, done = time.perf_counter(), False
    try:
        engine.fire_event(VideoEvents.VIDEO_STARTED)
        engine.fire_event(VideoEvents.VIDEO_ADAPTED)
        for result in session_results(session):
            with torch.no_grad():
                engine.state.output = run.label(result)
            engine.fire_event(VideoEvents.FRAME_COMPLETED)
            yield result.index
        run.seconds["export"] = time.perf_counter() - begin
        engine.fire_event(VideoEvents.VIDEO_COMPLETED)
        done = True
    finally:
        if not done:
            engine.fire_event(VideoEvents.VIDEO_FAILED)


def _with_masks(case: VideoCase, label_maps: dict[int, np.ndarray], folder: Path) -> VideoCase:
    """The case, as if its masks had been given as files."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    paths = {frame: folder / f"{frame:05d}.png" for frame in label_maps}
    labels = sorted({int(label) for label_map in label_maps.values() for label in np.unique(label_map) if label})
    palette = png_palette(labels) if labels[-1] <= MAX_INDEX else None
    for frame, label_map in label_maps.items():
        save_png_labels(paths[frame], label_map, palette)
    first, *further = ((frame, str(path)) for frame, path in paths.items())
    return replace(case, ref_frame=first[0], ref_mask=first[1], further=tuple(further))
