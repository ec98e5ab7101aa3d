# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from torch import nn

from monai_i2v.data import load_checkpoint, save_half_checkpoint
from monai_i2v.errors import UsageError


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"model": state}])
def test_half_precision_weights_are_loaded(tmp_path, wrap):
    source, target = nn.Linear(2, 2), nn.Linear(2, 2)
    torch.save(wrap(source.half().state_dict()), tmp_path / "model.pt")
    loaded = load_checkpoint(target, tmp_path / "model.pt")
    assert loaded is target
    assert target.weight.dtype == torch.float32
    assert torch.equal(target.weight, source.weight.float())


class Evil:
    def __reduce__(self):
        return (open, ("/dev/null",))


def test_a_file_that_would_execute_code_is_refused(tmp_path):
    torch.save({"weight": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(UsageError, match=r"evil.pt cannot be read \(UnpicklingError\)"):
        load_checkpoint(nn.Linear(1, 1), tmp_path / "evil.pt")


@pytest.mark.parametrize("content", [{"weight": torch.zeros(3)}, [1, 2], {"model": 3}])
def test_a_checkpoint_of_another_network_says_so(tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(UsageError, match="is not of this network"):
        load_checkpoint(nn.Linear(1, 1), tmp_path / "other.pt")


def test_a_missing_checkpoint_says_so(tmp_path):
    with pytest.raises(UsageError, match=r"missing\.pt does not exist"):
        load_checkpoint(nn.Linear(1, 1), tmp_path / "missing.pt")


def test_half_checkpoints_come_back_and_are_half_as_large(tmp_path):
    layer = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64))
    save_half_checkpoint(layer, tmp_path / "half.pt")
    torch.save(layer.state_dict(), tmp_path / "full.pt")
    again = load_checkpoint(nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64)), tmp_path / "half.pt")
    torch.testing.assert_close(again[0].weight, layer[0].weight, atol=1e-3, rtol=1e-3)
    assert (tmp_path / "half.pt").stat().st_size < 0.7 * (tmp_path / "full.pt").stat().st_size
    assert again[0].weight.half().equal(layer[0].weight.half())
    assert again[0].bias.equal(layer[0].bias)
    assert again[1].running_var.equal(layer[1].running_var)


def test_a_checkpoint_with_nan_is_refused(tmp_path):
    torch.save({"weight": torch.full((1, 1), torch.nan), "bias": torch.zeros(1)}, tmp_path / "nan.pt")
    with pytest.raises(UsageError, match=r"nan\.pt has weights that are no finite numbers \(weight and others\)"):
        load_checkpoint(nn.Linear(1, 1), tmp_path / "nan.pt")
