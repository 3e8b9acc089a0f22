"""Compute an LSTM in fp32 under bf16 autocast on CPUs without a bf16 kernel for the LSTM."""

import contextlib

import torch
from torch import Tensor

from whyformer.acceleration.processor import onednn_computes_bf16


def lstm_precision(x: Tensor) -> contextlib.AbstractContextManager[object]:
    """Return a context manager that turns off bf16 autocast if oneDNN has no bf16 kernel for LSTMs.

    On a CPU, torch computes a bf16 LSTM with oneDNN. oneDNN has a bf16 LSTM
    kernel only with AVX-512.
    """
    if x.device.type == "cpu" and torch.is_autocast_enabled("cpu") and not onednn_computes_bf16():
        return torch.autocast("cpu", enabled=False)
    return contextlib.nullcontext()
