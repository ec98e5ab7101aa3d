# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from monai_i2v.memory import MemoryBank


def frame(value, objects=1):
    """A frame of 2 x 1 cells whose key and value are this number."""
    return torch.full((1, 4, 2, 1), float(value)), torch.full((1, objects, 3, 2, 1), float(value))


def contents(bank):
    """Which numbers the bank holds, found by asking for each."""
    answers = {round(bank.read(frame(value)[0]).mean().item()) for value in range(30)}
    return sorted(answers)


def test_reference_is_never_forgotten_and_the_rest_is_first_in_first_out():
    bank = MemoryBank(max_mem_frames=3, top_k=1)
    for value in range(7):
        bank.write(*frame(value))
    assert contents(bank) == [0, 5, 6]
    assert len(bank) == 3


def test_further_frames_may_be_kept_for_good_and_the_others_have_as_much_room_as_before():
    bank = MemoryBank(max_mem_frames=3, top_k=1)
    bank.write(*frame(0))
    bank.keep(*frame(20))
    for value in range(1, 7):
        bank.write(*frame(value))
    assert contents(bank) == [0, 5, 6, 20]
    with pytest.raises(RuntimeError, match="keep all annotated frames before"):
        bank.keep(*frame(21))
    unlimited = MemoryBank(max_mem_frames=None, top_k=1)
    unlimited.keep(*frame(0))
    unlimited.keep(*frame(20))
    unlimited.write(*frame(1))
    assert (contents(unlimited), unlimited.permanent, unlimited.drawn_cells) == ([0, 1, 20], 2, 2 * 2)
    with pytest.raises(RuntimeError, match="keep all annotated frames before"):
        unlimited.keep(*frame(21))


def test_unlimited_bank_keeps_all():
    bank = MemoryBank(max_mem_frames=None, top_k=1)
    for value in range(11):
        bank.write(*frame(value))
    assert contents(bank) == list(range(11))
    assert len(bank) == 11


def test_bank_for_one_frame_keeps_the_reference():
    bank = MemoryBank(max_mem_frames=1, top_k=1)
    for value in range(3):
        bank.write(*frame(value))
    assert contents(bank) == [0]


def test_one_frame_equal_to_the_query_returns_its_own_values():
    key = torch.randn(1, 8, 3, 4, generator=torch.Generator().manual_seed(0))
    value = torch.randn(1, 2, 5, 3, 4, generator=torch.Generator().manual_seed(1))
    bank = MemoryBank(top_k=1)
    bank.write(key, value)
    torch.testing.assert_close(bank.read(key), value)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("top_k", [None, 2])
@pytest.mark.parametrize("max_mem_frames", [None, 2])
def test_gradients_flow_into_what_is_remembered(top_k, max_mem_frames):
    def read_after_six_frames(keys, values, query):
        bank = MemoryBank(max_mem_frames, top_k=top_k)
        for key, value in zip(keys, values, strict=True):
            bank.write(key, value)
        return bank.read(query)

    tensors = noise(6, 1, 2, 1, 2), noise(6, 1, 2, 1, 1, 2, seed=1), noise(1, 2, 1, 2, seed=2)
    torch.autograd.gradcheck(read_after_six_frames, tensors)


def test_writing_after_a_read_does_not_disturb_its_gradients():
    first, second = frame(1), frame(2)
    query = frame(3)[0].requires_grad_()
    bank = MemoryBank(max_mem_frames=2)
    bank.write(*first)
    bank.write(*second)
    readout = bank.read(query)
    for value in range(4):
        bank.write(*frame(value))
    readout.sum().backward()
    assert query.grad is not None


@torch.no_grad()
def test_nothing_is_remembered_of_the_graph_without_gradients():
    bank = MemoryBank()
    bank.write(*(tensor.requires_grad_() for tensor in frame(1)))
    assert not bank.values.requires_grad


def stores(bank):
    return [store.data_ptr() for store in (bank._keys, bank._values)]


@torch.no_grad()
def test_a_bounded_bank_never_moves_or_grows():
    bank = MemoryBank(max_mem_frames=3)
    bank.write(*frame(0))
    places = stores(bank)
    for value in range(20):
        bank.write(*frame(value))
    assert stores(bank) == places
    assert bank._values.shape == (1, 1, 3 * 2, 3)


@torch.no_grad()
def test_an_unbounded_bank_moves_seldom_and_keeps_little_spare_room():
    bank = MemoryBank(max_mem_frames=None)
    rooms = []
    for value in range(100):
        bank.write(*frame(value))
        rooms.append(bank._keys.shape[1] // 2)
    assert rooms[:5] == [4, 4, 4, 4, 8]
    assert all(written <= room <= max(8, 1.5 * written) for written, room in enumerate(rooms, start=1) if written > 4)
    assert len(set(rooms)) == 9


def test_values_are_those_written_the_reference_first():
    bank = MemoryBank(max_mem_frames=3)
    for value in range(4):
        bank.write(*frame(value, objects=2))
    assert bank.values.shape == (1, 2, 3, 2, 3)
    assert bank.values[0, 1, :, 0, 0].tolist() == [0, 3, 2]


def test_more_than_the_first_frame_may_be_kept():
    bank = MemoryBank(max_mem_frames=4, permanent=2)
    for value in range(7):
        bank.write(*frame(value))
    assert bank.values[0, 0, :, 0, 0].tolist() == [0, 1, 6, 5]
    full = MemoryBank(max_mem_frames=2, permanent=2)
    for value in range(7):
        full.write(*frame(value))
    assert full.values[0, 0, :, 0, 0].tolist() == [0, 1]


@pytest.mark.parametrize("permanent", [0, 4])
def test_what_is_kept_must_fit(permanent):
    with pytest.raises(ValueError, match=f"max_mem_frames is 3 and permanent {permanent}, expected"):
        MemoryBank(max_mem_frames=3, permanent=permanent)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_keys_in_half_precision_lose_nothing_more(dtype):
    key, value = (100 * noise(*shape).detach() for shape in ((1, 64, 3, 4), (1, 2, 5, 3, 4)))
    bank = MemoryBank(top_k=1)
    bank.write(key.to(dtype), value.to(dtype))
    assert torch.equal(bank.read(key.to(dtype)), value.to(dtype))


def test_reading_an_empty_bank_says_what_to_do():
    with pytest.raises(RuntimeError, match="write the reference frame before the first read"):
        MemoryBank().read(frame(0)[0])


def test_max_mem_frames_must_be_positive():
    with pytest.raises(ValueError, match="max_mem_frames is 0 and permanent 1, expected"):
        MemoryBank(max_mem_frames=0)


def test_frames_must_be_of_one_size():
    bank = MemoryBank()
    bank.write(*frame(0))
    with pytest.raises(ValueError, match="the key has 6 cells, but the bank's frames have 2"):
        bank.write(torch.zeros(1, 4, 2, 3), torch.zeros(1, 1, 3, 2, 3))
