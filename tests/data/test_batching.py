"""Padding is where nothing is, shifting is by one, sampling depends on the pair only."""

import numpy as np
import pytest
import torch

from whyformer.data.batching import SubwordSampling, make_batch, make_source_batch
from whyformer.data.corpus import build_corpus
from whyformer.data.reading import Pair
from whyformer.text.symbols import BOS, EOS, PAD
from whyformer.text.tokenizer import train_tokenizer

TEXTS = ["one", "one two", "one two three", "three two one two", "two three"]
TOKENIZER = train_tokenizer("bpe", TEXTS * 5, vocabulary=300)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    pairs = [Pair(k, text, text[::-1]) for k, text in enumerate(TEXTS, start=1)]
    return build_corpus(pairs, TOKENIZER, TOKENIZER, tmp_path_factory.mktemp("c") / "c")


def sampling(**changes):
    options = {"rate": 0.5, "seed": 1, "epoch": 0} | changes
    return SubwordSampling(source_tokenizer=TOKENIZER, target_tokenizer=TOKENIZER, **options)


def test_rows_are_the_pairs_then_padding(corpus):
    batch = make_batch(corpus, np.array([3, 0, 4]))
    assert len(batch) == 3
    for row, index in enumerate([3, 0, 4]):
        source, target = corpus.source(index).tolist(), corpus.target(index).tolist()
        width, length = batch.source.shape[1], batch.labels.shape[1]
        assert batch.source[row].tolist() == source + [PAD] * (width - len(source))
        assert batch.labels[row].tolist() == target + [PAD] * (length - len(target))
        shifted = [BOS, *target[:-1]]
        assert batch.target[row].tolist() == shifted + [PAD] * (length - len(target))
    torch.testing.assert_close(batch.source_real, batch.source != PAD)
    assert batch.tokens == int((batch.labels != PAD).sum())
    assert batch.source.dtype == batch.target.dtype == batch.labels.dtype == torch.int64
    assert batch.indices.tolist() == [3, 0, 4]


def test_a_batch_without_source_padding_needs_no_mask(corpus):
    assert make_batch(corpus, np.array([2, 2])).source_real is None


def test_moving_keeps_everything(corpus):
    batch = make_batch(corpus, np.array([0, 1])).to("cpu")
    assert batch.tokens == make_batch(corpus, np.array([0, 1])).tokens
    moved = make_batch(corpus, np.array([0, 1])).to("meta")
    assert moved.source.device.type == moved.source_real.device.type == "meta"


def test_sampling_depends_on_the_pair_not_on_its_batch(corpus):
    alone = make_batch(corpus, np.array([2]), sample=sampling())
    among = make_batch(corpus, np.array([0, 2, 3]), sample=sampling())
    width = alone.labels.shape[1]
    assert among.labels[1, :width].tolist() == alone.labels[0].tolist()
    assert (among.labels[1, width:] == PAD).all()


def test_sampled_rows_still_say_the_text(corpus):
    for epoch in range(3):
        batch = make_batch(corpus, np.arange(5), sample=sampling(epoch=epoch))
        for index in range(5):
            source, target = corpus.texts(index)
            assert TOKENIZER.decode(batch.source[index].tolist()) == source
            assert TOKENIZER.decode(batch.labels[index].tolist()) == target


def test_epochs_are_cut_differently_and_rate_zero_is_the_stored_cut(corpus):
    everything = np.arange(5)
    cuts = {str(make_batch(corpus, everything, sample=sampling(epoch=e)).labels) for e in range(4)}
    assert len(cuts) > 1
    plain = make_batch(corpus, everything, sample=sampling(rate=0.0))
    torch.testing.assert_close(plain.labels, make_batch(corpus, everything).labels)


def test_a_cut_that_is_too_long_gives_way_to_the_stored_one(corpus):
    batch = make_batch(corpus, np.arange(5), sample=sampling(rate=1.0, max_tokens=1))
    torch.testing.assert_close(batch.labels, make_batch(corpus, np.arange(5)).labels)


def test_sources_to_decode_end_with_eos():
    source, real = make_source_batch([[7, 8], [9]])
    assert source.tolist() == [[7, 8, EOS], [9, EOS, PAD]]
    assert real.tolist() == [[True, True, True], [True, True, False]]
    assert make_source_batch([[7], []])[0].tolist() == [[7, EOS], [EOS, PAD]]
    assert make_source_batch([[7], [8]])[1] is None
