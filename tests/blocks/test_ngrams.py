"""The promises of n-gram embeddings: which tokens they see, and which rows they share."""

import pytest
import torch

from whyformer.blocks.ngrams import MULTIPLIER, NgramEmbedding, ngram_rows


def made(longest=3, rate=0.0, rows=1009):
    torch.manual_seed(0)
    block = NgramEmbedding(longest, rows, 4, 8, rate)
    block.initialize(0.02)
    return block.eval()


@torch.no_grad()
@pytest.mark.parametrize("longest", [2, 3, 5])
def test_a_token_sees_only_the_tokens_of_its_n_grams(longest):
    block, ids = made(longest), torch.arange(5, 15)[None]
    before = block(ids)
    for place in range(ids.shape[1]):
        other = ids.clone()
        other[0, place] = 99
        seen = (block(other) != before)[0].any(-1).nonzero()[:, 0].tolist()
        assert seen == list(range(place, min(place + longest, ids.shape[1])))


@torch.no_grad()
def test_equal_n_grams_have_equal_vectors_and_the_order_of_tokens_matters():
    found = made(2)(torch.tensor([[5, 6, 7, 5, 6, 5]]))[0]
    assert torch.equal(found[1], found[4])
    assert not torch.equal(found[4], found[5])


def test_rows_are_those_of_a_polynomial_modulo_the_number_of_rows():
    ids = torch.tensor([[3, 0, 8]])
    for size, rows in ((2, 97), (3, 131_071)):
        whole = [0] * size + ids[0].tolist()
        for place, found in enumerate(ngram_rows(ids, size, rows)[0].tolist()):
            expected = size * MULTIPLIER**size
            for back, token in enumerate(reversed(whole[place + 1 : place + 1 + size])):
                expected += (token + 1) * MULTIPLIER**back
            assert found == expected % rows


def test_few_n_grams_share_a_row():
    ids = torch.randint(8000, (1, 20_000), generator=torch.Generator().manual_seed(0))
    for size in (2, 3, 4):
        rows = ngram_rows(ids, size, 131_071).unique().numel()
        # 20,000 random rows of 131,071 have 131,071·(1 - e^(-20,000 / 131,071)) = 18,550 different.
        assert rows > 18_400


def test_dropout_drops_whole_n_grams_in_training_only():
    block, ids = made(2, rate=0.5), torch.arange(5, 205)[None]
    whole = block(ids)
    assert torch.equal(whole, block(ids))
    found = block.train()(ids)
    dropped = (found == 0).all(-1)
    assert 0.3 < dropped.float().mean() < 0.7
    torch.testing.assert_close(found[~dropped], whole[~dropped])


def test_the_vector_of_an_n_gram_has_the_deviation_of_a_token():
    torch.manual_seed(0)
    block = NgramEmbedding(2, 1009, 64, 128, 0.0)
    block.initialize(0.02)
    assert block(torch.randint(500, (1, 1000))).std().item() == pytest.approx(0.02, rel=0.1)
