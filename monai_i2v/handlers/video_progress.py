# SPDX-License-Identifier: Apache-2.0
"""A progress bar over the frames of each video."""

from __future__ import annotations

import ignite.distributed as idist
from ignite.engine import Engine
from tqdm import tqdm

from monai_i2v.engines import VideoEvents

__all__ = ["VideoProgress"]


class VideoProgress:
    """Show how many frames of the present video are segmented, and the time left.

    Of several processes, only the first has a bar.
    """

    def __init__(self) -> None:
        self.bar: tqdm | None = None

    def attach(self, engine: Engine) -> None:
        """Register with a `VideoEvaluator`."""
        if idist.get_rank() > 0:
            return
        engine.add_event_handler(VideoEvents.VIDEO_ADAPTED, self._start)
        engine.add_event_handler(VideoEvents.FRAME_COMPLETED, self._advance)
        engine.add_event_handler(VideoEvents.VIDEO_COMPLETED, self._stop)
        engine.add_event_handler(VideoEvents.VIDEO_FAILED, self._stop)

    def _start(self, engine: Engine) -> None:
        run = engine.state.video_run
        self.bar = tqdm(total=len(run.video), desc=f"segmenting {run.case.name}", unit="frame")

    def _advance(self) -> None:
        if self.bar is not None:
            self.bar.update()

    def _stop(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
