"""The promises of the linear classifier on characters: what it reads, and what it computes."""

import pytest
import torch

from whyformer.blocks.character_ngrams import BYTE, LETTERS, CharacterNgrams, characters_of
from whyformer.blocks.ngrams import ngram_rows

SPELLINGS = [
    b"",
    *[one.encode() for one in ("나", "나는", " 학교", "a", "b", "ab", "x" * 40)],
    b"\xeb",
]
EMPTY, NA, NANEUN, SCHOOL, A, B, AB, LONG, BAD = range(9)


def made(longest=3, rate=0.0, rows=1009, outputs=2):
    torch.manual_seed(0)
    block = CharacterNgrams(longest, rows, outputs, rate)
    torch.nn.init.normal_(block.table.weight)
    block.learn_spellings(SPELLINGS)
    return block.eval()


@torch.no_grad()
@pytest.mark.parametrize("longest", [1, 2, 5])
def test_the_output_is_the_sum_of_the_rows_of_all_n_grams_over_the_root_of_their_number(longest):
    block = made(longest)
    found = block(torch.tensor([[NANEUN, SCHOOL, EMPTY]]))[0]
    text = torch.tensor([[ord(one) for one in "나는 학교"]])
    rows = [ngram_rows(text, n, 1009)[0] for n in range(1, longest + 1)]
    summed = block.table.weight[torch.cat(rows)].sum(0)
    torch.testing.assert_close(found, 10 * summed / (longest * 5) ** 0.5)


@torch.no_grad()
def test_the_division_into_tokens_and_the_padding_do_not_matter():
    block = made()
    whole = block(torch.tensor([[AB, LONG]]))
    for ids in ([A, B, LONG], [EMPTY, A, EMPTY, B, LONG, EMPTY], [AB, LONG, EMPTY, EMPTY]):
        torch.testing.assert_close(block(torch.tensor([ids])), whole)
    both = block(torch.tensor([[AB, LONG], [NA, EMPTY]]))
    torch.testing.assert_close(both[:1], whole)
    torch.testing.assert_close(both[1:], block(torch.tensor([[NA]])))


@torch.no_grad()
def test_a_text_without_characters_has_the_output_zero():
    assert torch.equal(made()(torch.tensor([[EMPTY, EMPTY]])), torch.zeros(1, 2))


def test_a_byte_that_is_no_character_has_a_separate_number():
    assert characters_of("나는".encode()) == [ord("나"), ord("는")]
    assert characters_of(b"\xeb\x82") == [BYTE + 0xEB, BYTE + 0x82]
    assert len(characters_of(SPELLINGS[LONG])) == LETTERS


@pytest.mark.parametrize("outputs", [1, 16, 100])
def test_training_begins_with_the_output_zero_and_changes_it(outputs):
    block, ids = made(outputs=outputs), torch.tensor([[A, B]])
    block.initialize()
    assert torch.equal(block(ids), torch.zeros(1, outputs))
    block(ids).sum().backward()
    assert block.table.weight.grad.abs().sum() > 0
    assert block.table.weight.shape[1] <= 16  # the table does not grow with the number of labels


@torch.no_grad()
def test_dropout_keeps_the_mean_in_training_only():
    block, ids = made(rate=0.5), torch.tensor([[NANEUN, SCHOOL]])
    whole = block(ids)
    assert torch.equal(whole, block(ids))
    block.train()
    found = block(ids.repeat(4000, 1))
    assert found.std() > 0.1
    torch.testing.assert_close(found.mean(0), whole[0], atol=0.5, rtol=0)


def test_a_model_that_does_not_know_the_characters_says_so():
    block = CharacterNgrams(2, 97, 2, 0.0)
    with pytest.raises(ValueError, match="learn_spellings"):
        block(torch.tensor([[1]]))
