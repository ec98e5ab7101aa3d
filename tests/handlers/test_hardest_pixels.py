# SPDX-License-Identifier: Apache-2.0
from ignite.engine import Engine

from monai_i2v.handlers import HardestPixels
from monai_i2v.losses import BootstrappedCrossEntropy


def test_each_iteration_learns_from_its_share():
    loss = BootstrappedCrossEntropy(top_p=1.0)
    seen = []
    engine = Engine(lambda engine, batch: seen.append(loss.top_p))
    HardestPixels(loss, lambda iteration: 1 / iteration).attach(engine)
    engine.run([0, 0], max_epochs=2)
    assert seen == [1, 1 / 2, 1 / 3, 1 / 4]
