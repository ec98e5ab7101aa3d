# SPDX-License-Identifier: Apache-2.0
"""What the page works with: the videos, the one that is open, the thread that works, and the page that may draw."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from monai_i2v.app.bundle_parts import BundleParts
from monai_i2v.app.desk import Desk
from monai_i2v.app.events import Events
from monai_i2v.app.export import export_session
from monai_i2v.app.frame_pictures import FramePictures
from monai_i2v.app.run_lengths import runs_of
from monai_i2v.app.session_folder import SessionFolder, session_path
from monai_i2v.app.worker import Worker
from monai_i2v.data import VideoCase
from monai_i2v.errors import UsageError
from monai_i2v.files.work_folder import FACTS
from monai_i2v.handlers.save_video_results import DOUBTFUL_BELOW
from monai_i2v.masks import read_mask
from monai_i2v.media import Video, open_video
from monai_i2v.session import VideoSession

__all__ = ["Workplace"]

logger = logging.getLogger(__name__)


class Workplace:
    """Videos to annotate, one open at a time.

    Args:
        cases: the videos; those with masks begin with them.
        output_dir: folder of sessions and results.
        parts: network, inferer and writers.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from pydicom.examples import get_path
        >>> from monai_i2v.app import BundleParts, Workplace
        >>> from monai_i2v.data import VideoCase
        >>> from monai_i2v.inferers import PropagationInferer
        >>> class Still:
        ...     def start(self, frame, masks):
        ...         return masks
        ...     def step(self, frame, state):
        ...         return state, state
        >>> case = VideoCase(str(get_path("ybr_color")), ref_mask="", name="cine")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     place = Workplace([case], Path(folder), BundleParts(Still(), PropagationInferer(64), []))
        ...     place.open(0).result()
        ...     facts = place.video_facts()
        ...     place.close()
        >>> facts["name"], facts["frames"], facts["width"], facts["height"]
        ('cine', 30, 320, 240)
    """

    def __init__(self, cases: Sequence[VideoCase], output_dir: Path, parts: BundleParts) -> None:
        self.cases, self.output_dir, self.parts = cases, output_dir, parts
        self.events = Events()
        self.worker = Worker(self._ended, lambda: self.desk is not None and self.desk.idle())
        self.number = -1
        self.pictures: FramePictures | None = None
        self.desk: Desk | None = None

    @property
    def case(self) -> VideoCase:
        """The video that is open."""
        return self.cases[self.number]

    def open(self, number: int) -> Future[None]:
        """Open a video; its frames can be seen at once, its session when the future is done.

        Raises:
            UsageError: When there is no such video, it cannot be read, or another process works with it.
        """
        if not 0 <= number < len(self.cases):
            raise UsageError(f"there is no video {number}, expected 0 to {len(self.cases) - 1}; choose one of these.")
        pictures = FramePictures(open_video(self.cases[number].video))
        self.worker.stop()
        return self.worker.do(lambda: self._sit_down(number, pictures))

    def video_facts(self) -> dict[str, Any]:
        """What a page must know to show frames."""
        assert self.pictures is not None
        video = self.pictures.video
        info = video.info
        return {
            "number": self.number,
            "name": self.case.name,
            "kind": info.kind,
            "frames": info.length,
            "width": info.width,
            "height": info.height,
            "spacing": info.spacing,
            "times": _times(video),
            "window": video.window,
            "doubtful_below": DOUBTFUL_BELOW,
            "videos": len(self.cases),
        }

    def list_videos(self) -> list[dict[str, Any]]:
        """The videos, and how far each is."""
        return [
            {"number": number, "name": case.name, "open": number == self.number, **self._progress(case)}
            for number, case in enumerate(self.cases)
        ]

    def propagate(self, direction: Any) -> Future[None]:
        """Begin to carry what was drawn through the video."""
        return self._begin("propagating", lambda: self._at_desk().propagate(direction))

    def export(self) -> Future[None]:
        """Begin to write the results."""

        def steps() -> Iterator[int]:
            desk = self._at_desk()
            writing = export_session(desk.session, self.case, desk.folder.path, self.parts.handlers)
            return self._tell_progress(writing, len(desk.session))

        return self._begin("exporting", steps)

    def at_desk(self, job: Callable[[Desk], Any]) -> Future[Any]:
        """Do something with the open session, soon."""
        return self.worker.do(lambda: job(self._at_desk()))

    def do(self, deed: dict[str, Any]) -> Future[None]:
        """Do a deed; what is under way ends before."""
        self.worker.stop()
        return self.at_desk(lambda desk: desk.do(deed))

    def close(self) -> None:
        """Save, and end."""
        self.worker.stop()
        self.worker.do(self._stand_up).result()
        self.worker.close()
        self.events.end()

    def _begin(self, name: str, steps: Callable[[], Iterator[int]]) -> Future[None]:
        def start() -> Iterator[int]:
            begun = steps()
            self._tell("begun", {"what": name})
            return begun

        return self.worker.begin(name, start)

    def _at_desk(self) -> Desk:
        if self.desk is None:
            raise UsageError("no video is open, expected one; choose one of the list.")
        return self.desk

    def _sit_down(self, number: int, pictures: FramePictures) -> None:
        case = self.cases[number]
        if number == self.number and self.desk is not None:
            return
        folder = SessionFolder(session_path(self.output_dir, case.name))
        try:
            desk = self._new_desk(case, folder)
        except BaseException:
            folder.close()
            raise
        self._stand_up()
        self.number, self.pictures, self.desk = number, pictures, desk
        self.events.tell("opened", {"number": number})

    def _new_desk(self, case: VideoCase, folder: SessionFolder) -> Desk:
        inferer = self.parts.inferer
        about: dict[str, Any] = {"size": inferer.size, "crop": inferer.crop}
        video = open_video(case.video)
        saved, done = folder.saved()
        if saved is not None:
            return Desk(VideoSession.load(saved, self.parts.network, video, **about), folder, self._tell, done=done)
        desk = Desk(VideoSession(self.parts.network, video, **about), folder, self._tell)
        if not folder.journal.entries:
            for frame, path in case.annotated.items():
                label_map = read_mask(path, video.info, frame)
                masks = {str(label): runs_of(label_map == label) for label in np.unique(label_map) if label}
                desk.do({"do": "draw", "frame": frame, "masks": masks})
        return desk

    def _stand_up(self) -> None:
        if self.desk is not None:
            self.desk.close()
            self.desk = None

    def _tell(self, kind: str, data: Any) -> None:
        self.events.tell(kind, data)

    def _tell_progress(self, steps: Iterator[int], count: int) -> Iterator[int]:
        for index in steps:
            self._tell("progress", {"done": index + 1, "of": count})
            yield index
        self._tell("exported", {"folder": str(self.output_dir / self.case.name)})

    def _ended(self, name: str, error: BaseException | None) -> None:
        if error is not None and not isinstance(error, UsageError):
            logger.error("%s failed", name, exc_info=error)
        sentence = "" if error is None else sentence_of(error)
        self._tell("ended", {"what": name, "error": sentence})

    def _progress(self, case: VideoCase) -> dict[str, Any]:
        folder = session_path(self.output_dir, case.name)
        exported = (self.output_dir / case.name / FACTS).is_file()
        try:
            found = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = {}
        return {"begun": folder.is_dir(), "exported": exported, **found}


def _times(video: Video) -> list[float] | None:
    """When each frame is shown, s from the first one on; None when the source does not tell."""
    times = [video.info.time_of(index) for index in range(len(video))]
    return None if None in times else [time for time in times if time is not None]


def sentence_of(error: BaseException) -> str:
    """What a page says of an error."""
    if isinstance(error, UsageError):
        return str(error)
    return f"something went wrong that should not ({type(error).__name__}); the terminal tells more."
