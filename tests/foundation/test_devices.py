"""A device is there or the error says so."""

import pytest
import torch

from whyformer.foundation.devices import Precision, autocast, choose_device, sent
from whyformer.foundation.errors import ConfigError


def test_devices_are_found_by_name():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ConfigError, match=r"`abacus` is not a device\. Choose auto"):
        choose_device("abacus")


def test_an_absent_gpu_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="`cuda` was asked for, but torch sees no GPU"):
        choose_device("cuda")


@pytest.mark.parametrize(
    ("precision", "dtype"), [(Precision.FP32, torch.float32), (Precision.BF16, torch.bfloat16)]
)
def test_precision_is_that_of_the_products(precision, dtype):
    with autocast(torch.device("cpu"), precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_what_is_there_already_is_not_sent_again():
    tensor = torch.arange(6)
    assert sent(tensor, "cpu") is tensor


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gets_what_was_sent():
    tensor = torch.arange(6)
    assert torch.equal(sent(tensor, "cuda").cpu(), tensor)
