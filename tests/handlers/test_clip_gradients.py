# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from ignite.engine import Events
from monai.engines import SupervisedTrainer

from monai_i2v.handlers import ClipGradients


def step_of(slopes, max_norm, scale=None):
    """How far one step of SGD with rate 1 moves two weights whose gradients are `slopes`; the loss may be scaled."""
    layer = torch.nn.Linear(2, 1, bias=False)
    before = layer.weight.detach().clone()
    trainer = SupervisedTrainer(
        device="cpu",
        max_epochs=1,
        train_data_loader=[{"image": torch.tensor([slopes]), "label": torch.zeros(1, 1)}],
        network=layer,
        optimizer=torch.optim.SGD(layer.parameters(), lr=1.0),
        loss_function=lambda output, label: output.sum(),
        train_handlers=[ClipGradients(layer, max_norm)],
        amp_kwargs={"enabled": False},
    )

    @trainer.on(Events.STARTED)  # before it, a trainer makes a scaler of its own, which wants CUDA
    def _(engine):
        if scale is not None:
            engine.amp, engine.scaler = True, torch.amp.GradScaler("cpu", init_scale=scale)

    trainer.run()
    return (before - layer.weight.detach()).flatten().tolist()


def test_long_gradients_are_shortened_before_the_step_and_keep_their_direction():
    assert step_of([30.0, 40.0], 10.0) == pytest.approx([6, 8], rel=1e-4)


def test_short_gradients_are_left_as_they_are():
    assert step_of([3.0, 4.0], 10.0) == pytest.approx([3, 4], rel=1e-4)


@pytest.mark.parametrize("scale", [2.0**16, 2.0**-4])
def test_gradients_of_a_scaled_loss_are_shortened_at_their_true_length(scale):
    assert step_of([30.0, 40.0], 10.0, scale) == pytest.approx([6, 8], rel=1e-4)
    assert step_of([3.0, 4.0], 10.0, scale) == pytest.approx([3, 4], rel=1e-4)
