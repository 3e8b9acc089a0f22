import math

import pytest
import torch

from whyformer.acceleration.thresholds import TOP_K_ROWS
from whyformer.acceleration.top_k import GROUP, top_k

FEW_ROWS = TOP_K_ROWS.default()


@pytest.mark.parametrize("vocabulary", [7, 500, 40 * GROUP, 40 * GROUP + 37, 8000])
@pytest.mark.parametrize("k", [1, 6, 7])
def test_by_way_of_groups_the_same_are_found(vocabulary: int, k: int) -> None:
    generator = torch.Generator().manual_seed(vocabulary + k)
    for shape in ((3, 4), (2,), (FEW_ROWS, 2)):
        logits = torch.randn(*shape, vocabulary, generator=generator)
        logits[..., :2] += 5.0  # frequent tokens have low ids
        logits[..., -1] += 4.0
        values, ids = top_k(logits, k)
        plain = logits.topk(k)
        torch.testing.assert_close(values, plain.values, rtol=0, atol=0)
        torch.testing.assert_close(ids, plain.indices)


def test_banned_tokens_do_not_hide_the_others() -> None:
    logits = torch.full((FEW_ROWS, 4000), -math.inf)
    logits[:, [3, 1999, 3999]] = torch.tensor([1.0, 3.0, 2.0])
    values, ids = top_k(logits, 5)
    assert ids[-1, :3].tolist() == [1999, 3999, 3]
    assert values[-1, 3:].tolist() == [-math.inf] * 2
    assert len(set(ids[-1].tolist())) == 5
