"""The checks of signatures run while the tests of a checked package run, and only then."""

import jaxtyping
import numpy as np
import pytest
import torch

from whyformer.blocks.attention import attention
from whyformer.data.batch import Batch

WRONG = torch.zeros(1, 2, 3)  # four axes are needed


def test_a_function_refuses_a_wrong_shape() -> None:
    with pytest.raises(jaxtyping.TypeCheckError, match="checking the parameters of"):
        attention(WRONG, WRONG, WRONG)


def batch(ids: torch.Tensor) -> Batch:
    count = np.arange(len(ids))
    return Batch(source=ids, source_real=None, target=ids, labels=ids, tokens=2, indices=count)


def test_a_dataclass_refuses_a_wrong_type() -> None:
    assert len(batch(torch.zeros(1, 2, dtype=torch.long))) == 1
    with pytest.raises(jaxtyping.TypeCheckError, match="checking the parameters of"):
        batch(torch.zeros(1, 2))


@pytest.mark.usefixtures("unchecked")
def test_nothing_is_checked_where_checks_are_off() -> None:
    assert len(batch(torch.zeros(1, 2))) == 1
