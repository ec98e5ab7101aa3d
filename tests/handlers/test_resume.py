# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from ignite.engine import Engine, Events

from monai_i2v.errors import UsageError
from monai_i2v.handlers import Resume


def training(path, epochs, seed=0):
    """Add a random number to a weight in each of 3 iterations per epoch; returns the weight."""
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(layer.weight)

    def step(engine, batch):
        with torch.no_grad():
            layer.weight += torch.rand(())

    engine = Engine(step)
    Resume(path, {"network": layer}, seed=seed).attach(engine)
    engine.run(range(3), max_epochs=epochs)
    return layer.weight.item()


def test_a_resumed_training_repeats_an_undisturbed_one(tmp_path):
    whole = training(tmp_path / "a.pt", 4)
    training(tmp_path / "b.pt", 2)
    torch.rand(7)  # whatever happened in between
    assert training(tmp_path / "b.pt", 4) == whole
    assert training(tmp_path / "c.pt", 4, seed=1) != whole


def test_a_finished_training_is_not_repeated(tmp_path):
    first = training(tmp_path / "a.pt", 2)
    assert training(tmp_path / "a.pt", 2) == first
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_a_file_of_another_training_says_what_to_do(tmp_path):
    torch.save({"other": {}}, tmp_path / "a.pt")
    with pytest.raises(UsageError, match=r"training cannot go on from .*a.pt .*delete it to start anew"):
        training(tmp_path / "a.pt", 1)


def test_an_epoch_that_breaks_the_weights_stops_the_training_and_leaves_the_epoch_before(tmp_path):
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(layer.weight)

    def step(engine, batch):
        with torch.no_grad():
            layer.weight *= 1 if engine.state.epoch == 1 else float("nan")

    engine = Engine(step)
    Resume(tmp_path / "a.pt", {"network": layer}).attach(engine)
    with pytest.raises(UsageError, match=r"went wrong in epoch 2: weights are no finite numbers any more \(weight and"):
        engine.run(range(3), max_epochs=3)
    saved = torch.load(tmp_path / "a.pt", weights_only=True)
    assert (saved["epoch"], saved["network"]["weight"].item()) == (1, 1)


def test_the_epoch_and_iteration_go_on(tmp_path):
    training(tmp_path / "a.pt", 2)
    seen = []
    engine = Engine(lambda engine, batch: seen.append((engine.state.epoch, engine.state.iteration)))
    Resume(tmp_path / "a.pt", {"network": torch.nn.Linear(1, 1, bias=False)}).attach(engine)
    engine.add_event_handler(Events.STARTED, lambda: None)
    engine.run(range(3), max_epochs=3)
    assert seen == [(3, 7), (3, 8), (3, 9)]


def test_the_scale_of_a_loss_goes_on(tmp_path):
    scales = []
    for start in (8.0, 2.0):
        engine = Engine(lambda engine, batch: None)
        engine.scaler = torch.amp.GradScaler("cpu", init_scale=start)
        engine.scaler.scale(torch.ones(()))
        Resume(tmp_path / "a.pt", {"network": torch.nn.Linear(1, 1)}).attach(engine)
        engine.run(range(1), max_epochs=len(scales) + 1)
        scales.append(engine.scaler.get_scale())
    assert scales == [8, 8]
