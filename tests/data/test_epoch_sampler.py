# SPDX-License-Identifier: Apache-2.0
from monai_i2v.data import EpochSampler


def numbers(length, processes, epoch):
    """Sample numbers that each process draws."""
    samplers = [EpochSampler(range(length), num_replicas=processes, rank=rank) for rank in range(processes)]
    for sampler in samplers:
        sampler.set_epoch(epoch)
    return [list(sampler) for sampler in samplers]


def test_every_epoch_and_every_process_gets_its_own_samples():
    assert numbers(6, 2, epoch=0) == [[0, 2, 4], [1, 3, 5]]
    assert numbers(6, 2, epoch=1) == [[6, 8, 10], [7, 9, 11]]


def test_processes_have_equally_many_samples():
    assert numbers(5, 2, epoch=0) == [[0, 2, 4], [1, 3, 5]]
    assert numbers(5, 2, epoch=1) == [[6, 8, 10], [7, 9, 11]]


def test_two_processes_see_the_samples_that_one_would_see():
    for epoch in range(3):
        (alone,) = numbers(6, 1, epoch)
        first, second = numbers(6, 2, epoch)
        assert sorted(first + second) == alone
