"""The recurrent language model's own promises; the laws of every model are in test_laws."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import tiny
from whyformer.blocks.recurrence import RecurrencePath, use_recurrence
from whyformer.foundation.randomness import seed_everything
from whyformer.models.build import build_model
from whyformer.models.recurrent.language import (
    RecurrentLanguageModel,
    RecurrentLanguageSettings,
    document_rows,
)


def test_one_tanh_cell_by_hand():
    model = tiny.recurrent_language(cell="rnn", layers=1, d_model=1, tying="none").eval()
    (layer,) = model._layers
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.embedding.weight[7:9, 0] = torch.tensor([0.5, -1.0])
        layer.from_input.weight.fill_(2.0)
        layer.from_state.weight.fill_(3.0)
        model.projection.weight[5, 0] = 4.0
    first = math.tanh(2 * 0.5)
    second = math.tanh(2 * -1.0 + 3 * first)
    found = model(torch.tensor([[7, 8]]))[0, :, 5]
    assert_close(found, torch.tensor([4 * first, 4 * second]))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_it_is_torchs_own_stack_between_embedding_and_projection(cell):
    model = tiny.recurrent_language(cell=cell, layers=3).eval()
    kind = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[cell]
    other = kind(16, 16, num_layers=3, batch_first=True)
    with torch.no_grad():
        for number, layer in enumerate(model._layers):
            for mine, theirs in (("from_input", "ih"), ("from_state", "hh")):
                part = getattr(layer, mine)
                getattr(other, f"weight_{theirs}_l{number}").copy_(part.weight)
                getattr(other, f"bias_{theirs}_l{number}").copy_(part.bias)
    y = tiny.ids(torch.Generator().manual_seed(0), 2, 7)
    read = other(model.embedding.weight[y] * 16**0.5)[0]
    assert_close(model(y), read @ model.embedding.weight.T, rtol=1e-4, atol=1e-5)


def test_packed_documents_read_as_they_would_alone():
    for path in RecurrencePath:
        model = tiny.recurrent_language().eval()
        use_recurrence(model, path)
        g = torch.Generator().manual_seed(0)
        first, second, third = (tiny.ids(g, 1, n) for n in (3, 4, 7))
        rows = torch.cat([torch.cat([first, second], 1), third])
        documents = torch.tensor([[0] * 3 + [1] * 4, [0] * 7])
        with torch.no_grad():
            packed = model(rows, documents)
            assert_close(packed[:1], torch.cat([model(first), model(second)], 1))
            assert_close(packed[1:], model(third))


def test_documents_come_apart_where_the_number_changes():
    row, place = document_rows(torch.tensor([[0, 0, 1, -1], [0, 0, 0, 0]]))
    assert row.tolist() == [[0, 0, 1, 2], [3, 3, 3, 3]]
    assert place.tolist() == [[0, 1, 0, 0], [0, 1, 2, 3]]


def test_tying_shares_the_matrix_or_does_not():
    model = tiny.recurrent_language()
    assert model.projection.weight is model.embedding.weight
    model = tiny.recurrent_language(tying="none")
    assert model.projection.weight is not model.embedding.weight


@pytest.mark.parametrize("form", ["standard", "variational"])
def test_dropout_is_drawn_anew_in_training_and_never_in_use(form):
    y = tiny.ids(torch.Generator().manual_seed(0), 3, 5)
    documents = torch.tensor([[0, 0, 1, 1, 1]] * 3)
    model = tiny.recurrent_language(dropout=0.5, dropout_form=form)
    for packed in (None, documents):
        seed_everything(1)
        first, second = model(y, packed), model(y, packed)
        seed_everything(1)
        assert torch.equal(model(y, packed), first)
        assert not torch.equal(first, second)
    model.eval()
    assert torch.equal(model(y), model(y))


def test_every_parameter_learns():
    for variant in tiny.RECURRENT_LANGUAGE_VARIANTS:
        model = tiny.fresh(variant)
        model(tiny.ids(torch.Generator().manual_seed(0), 2, 4)).square().sum().backward()
        assert all(p.grad is not None and p.grad.any() for p in model.parameters()), variant


def test_settings_build_it():
    model = build_model(RecurrentLanguageSettings(d_model=8), (9, 9), shared=True)
    assert isinstance(model, RecurrentLanguageModel)
    assert model.settings.summary == "2 layers of lstm, d_model 8"
