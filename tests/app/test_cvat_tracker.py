# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from PIL import Image

cvataa = pytest.importorskip("cvat_sdk.auto_annotation", reason="cvat-sdk is not installed")

from cvat_sdk.masks import decode_mask, encode_mask  # noqa: E402

from monai_i2v.app.cvat_tracker import MaskTracker, create  # noqa: E402
from monai_i2v.errors import UsageError  # noqa: E402
from monai_i2v.phantoms import Phantom  # noqa: E402
from monai_i2v.propagation import propagate  # noqa: E402
from monai_i2v.tracking import WorkingFrames  # noqa: E402


class ShapeContext(cvataa.TrackingFunctionShapeContext):
    original_shape_type = "mask"


def images(phantom):
    return [Image.fromarray(phantom.read(index)[..., 0]) for index in range(len(phantom))]


def test_a_mask_of_cvat_is_carried_on_as_by_the_loop(memory_net):
    phantom, context = Phantom(length=6, size=(64, 80)), ShapeContext()
    tracker: cvataa.TrackingFunction = MaskTracker(memory_net, 64)
    mask = phantom.label_map(0) == 1
    first, *others = [tracker.preprocess_image(context, image) for image in images(phantom)]
    shape = cvataa.TrackableShape(type="mask", points=encode_mask(mask))
    state = tracker.init_tracking_state(context, first, shape)
    found = [tracker.track(context, image, state) for image in others]
    frames = WorkingFrames(phantom, 64)
    masks = frames.resize_masks(torch.from_numpy(mask).float().unsqueeze(0))
    with torch.no_grad():
        probs = list(propagate(memory_net, list(frames), masks))[1:]
    for shape, prob in zip(found, probs, strict=True):
        expected = (frames.restore(prob)[0, 0] > 0.5).numpy()
        seen = np.zeros_like(expected)
        if shape is not None:
            assert shape.type == "mask"
            seen = decode_mask(shape.points, image_width=80, image_height=64)
        assert np.array_equal(seen, expected)


@pytest.mark.parametrize(("width", "rows"), [(60, 256), (20, 368)])
def test_a_small_shape_is_seen_larger_in_every_frame(width, rows):
    seen = []

    class Still:
        def start(self, frame, masks):
            seen.append((*frame.shape[-2:], *masks.shape[-2:]))
            return masks

        def step(self, frame, state):
            seen.append((*frame.shape[-2:], *state.shape[-2:]))
            return state, state

    tracker, context = MaskTracker(Still()), ShapeContext()
    image = tracker.preprocess_image(context, Image.new("L", (540, 540)))
    mask = np.zeros((540, 540), bool)
    mask[100 : 100 + width, 100 : 100 + width] = True
    shape = cvataa.TrackableShape(type="mask", points=encode_mask(mask))
    found = tracker.track(context, image, tracker.init_tracking_state(context, image, shape))
    assert seen == [(rows, rows, rows, rows)] * 2
    assert abs(decode_mask(found.points, image_width=540, image_height=540).sum() - width**2) < width


def test_an_object_that_is_not_there_gives_no_shape():
    class Gone:
        def start(self, frame, masks):
            return masks

        def step(self, frame, state):
            return torch.zeros_like(state), state

    tracker, context = MaskTracker(Gone(), None), ShapeContext()
    image = tracker.preprocess_image(context, Image.new("L", (40, 30)))
    shape = cvataa.TrackableShape(type="mask", points=encode_mask(np.ones((30, 40), bool)))
    assert tracker.track(context, image, tracker.init_tracking_state(context, image, shape)) is None


def test_it_tracks_masks_and_nothing_else_and_comes_from_a_bundle():
    tracker = create(device="cpu", size=64)
    assert tracker.spec.supported_shape_types == {"mask"}
    assert hasattr(tracker.network, "step_from")
    assert tracker.size == 64


def test_a_size_that_is_none_is_refused():
    with pytest.raises(UsageError, match=r"size is 'large', expected a whole number .* use 256 \(px\), or 'auto'"):
        create(device="cpu", size="large")
