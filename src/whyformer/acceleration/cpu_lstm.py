"""The LSTM in bf16 on CPUs whose oneDNN has no kernel for it."""

import contextlib

import torch
from torch import Tensor

from whyformer.acceleration.processor import onednn_computes_bf16


def lstm_precision(x: Tensor) -> contextlib.AbstractContextManager[object]:
    """Return a context that computes in fp32 if autocast would call a missing kernel.

    On a CPU, torch computes the LSTM in bf16 with oneDNN, which does not support it without
    AVX-512.
    """
    if x.device.type == "cpu" and torch.is_autocast_enabled("cpu") and not onednn_computes_bf16():
        return torch.autocast("cpu", enabled=False)
    return contextlib.nullcontext()
