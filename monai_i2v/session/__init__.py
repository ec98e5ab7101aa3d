# SPDX-License-Identifier: Apache-2.0
"""Working with a video by hand: several annotated frames, corrections, doubts."""

from monai_i2v.session.click_outline import outline_by_clicks
from monai_i2v.session.edited_video import EditedVideo
from monai_i2v.session.live_session import LiveFrame, LiveSession
from monai_i2v.session.session_frame import SessionFrame
from monai_i2v.session.session_results import session_results
from monai_i2v.session.video_session import VideoSession
