"""Our BERT with Hugging Face's weights computes what theirs computes, heads and all."""

import pytest
import torch
from torch.testing import assert_close

from whyformer.models.bert import BERT, BERTSettings

transformers = pytest.importorskip("transformers")


@torch.no_grad()
def test_hidden_states_and_both_heads_equal_those_of_hugging_face():
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=23,
        hidden_size=12,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=20,
        max_position_embeddings=16,
        initializer_range=0.3,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=1e-5,  # ours everywhere; the released BERT has 1e-12
    )
    theirs = transformers.BertForPreTraining(config).eval()
    for parameter in theirs.parameters():  # biases of 0 and gains of 1 would hide mistakes
        parameter.add_(torch.randn_like(parameter) * 0.1)
    shape = BERTSettings(layers=3, d_model=12, heads=2, d_ff=20, max_length=16, dropout=0.0)
    ours = BERT(shape, (23, 23)).eval()
    body, table = theirs.bert, theirs.bert.embeddings
    ours.embedding.tokens.weight.copy_(table.word_embeddings.weight)
    ours.embedding.segments.weight.copy_(table.token_type_embeddings.weight)
    ours.positions.vectors.copy_(table.position_embeddings.weight)
    ours.embedding.norm.load_state_dict(table.LayerNorm.state_dict())
    for mine, one in zip(ours.layers, body.encoder.layer, strict=True):
        look = one.attention.self
        for part, other in (
            (mine.self_attention.project_query, look.query),
            (mine.self_attention.project_key, look.key),
            (mine.self_attention.project_value, look.value),
            (mine.self_attention.project_output, one.attention.output.dense),
            (mine.feedforward.expand, one.intermediate.dense),
            (mine.feedforward.contract, one.output.dense),
            (mine.wire_self_attention.norm, one.attention.output.LayerNorm),
            (mine.wire_feedforward.norm, one.output.LayerNorm),
        ):
            part.load_state_dict(other.state_dict())
    ours.pooler.load_state_dict(body.pooler.dense.state_dict())
    head = theirs.cls.predictions
    ours.masked.transform.load_state_dict(head.transform.dense.state_dict())
    ours.masked.norm.load_state_dict(head.transform.LayerNorm.state_dict())
    ours.masked.bias.copy_(head.bias)
    ours.next_sentence.load_state_dict(theirs.cls.seq_relationship.state_dict())
    ids = torch.randint(5, 23, (3, 9))
    segments = (torch.arange(9) > 4).long().expand(3, -1).contiguous()
    real = torch.arange(9) < torch.tensor([[9], [7], [5]])
    x = ours(ids, real, segments)
    wanted = theirs(ids, attention_mask=real.long(), token_type_ids=segments)
    assert_close(ours.masked(x)[real], wanted.prediction_logits[real], rtol=1e-4, atol=1e-4)
    found = ours.next_sentence(ours.pooled(x))
    assert_close(found, wanted.seq_relationship_logits, rtol=1e-4, atol=1e-4)
