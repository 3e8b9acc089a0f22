"""Which questions have an answer in the laboratory, and which only mention its field."""

import json

import pytest

from whyformer.cli.lab.ask import ask
from whyformer.foundation.errors import UsageError
from whyformer.lab.matching import ANSWERED, answering, matches

WITH_AN_ANSWER = {
    "Why is the dot product divided by the square root of d_k?": "scaling",
    "does softmax saturate without scaling?": "scaling",
    "내적을 왜 √d_k로 나누나요": "scaling",
    "are sinusoidal positions needed for extrapolation?": "positions",
    "does a decoder know the order without positional encoding?": "positions",
    "사인 함수만 쓰면 안 되나요?": "positions",
    "is attention faster than recurrence?": "complexity",
    "셀프 어텐션의 복잡도": "complexity",
    "can I train post-LN without warmup": "warmup",
    "웜업 없이 학습하면 어떻게 되나요?": "warmup",
    "do residual connections prevent vanishing gradients?": "gradients",
    "잔차 연결이 없으면 기울기가 소실되나요?": "gradients",
    "how many attention heads are useful?": "heads",
    "헤드를 가지치기해도 되나요?": "heads",
    "does label smoothing hurt calibration": "smoothing",
    "레이블 스무딩을 하면 보정이 좋아지나요?": "smoothing",
    "why are embeddings multiplied by sqrt(d_model)?": "embedding_scale",
    "입력과 출력 임베딩을 공유하는 이유": "embedding_scale",
    "why does a large beam give short translations?": "beam",
    "빔 서치가 그리디보다 나은가요?": "beam",
    "what fraction of masked tokens stays unchanged in 80/10/10?": "masking",
    "마스킹 비율은 왜 15 %인가요?": "masking",
    "is NSP useless?": "nsp",
    "다음 문장 예측을 빼도 되나요?": "nsp",
    "is the fixed-length context vector a bottleneck?": "bottleneck",
    "고정 길이 벡터가 병목인가요?": "bottleneck",
}
WITHOUT_AN_ANSWER = (
    "what is KV cache",
    "why layernorm",
    "KV 캐시가 뭐예요?",
    "층 정규화는 왜 하나요?",
    "what is an embedding?",
    "what is the encoder",
    "how does BLEU work?",
    "what does perplexity mean",
    "why Adam and not SGD?",
    "what is a learning rate schedule",
    "how do I train on a GPU",
    "why dropout?",
    "드롭아웃은 왜 쓰나요?",
    "what is a causal mask",
    "BERT가 뭐예요?",
    "what is byte pair encoding",
    "인코더와 디코더의 차이가 뭐예요?",
    "소프트맥스가 뭐예요?",
    "미세 조정은 어떻게 하나요?",
    "how does gradient descent work",
    "학습률은 어떻게 정하나요?",
    "is the transformer better than a convolution for images?",
    "why do we use ReLU in the feed-forward layer",
    "how much data do I need",
    "오늘 날씨 어때요?",
)


@pytest.mark.parametrize(("asked", "name"), WITH_AN_ANSWER.items())
def test_a_question_about_the_subject_of_a_card_is_answered(asked, name):
    assert [experiment.name for experiment in answering(asked)][:1] == [name]


@pytest.mark.parametrize("asked", WITHOUT_AN_ANSWER)
def test_a_question_that_only_mentions_the_field_of_a_card_has_no_answer_yet(asked):
    assert answering(asked) == []


@pytest.mark.parametrize("asked", ["what is KV cache", "why layernorm"])
def test_without_an_answer_the_nearest_questions_are_shown(asked, capsys):
    nearest = matches(asked)[0]
    assert 0 < nearest.share <= ANSWERED
    with pytest.raises(UsageError, match="no answer to that yet"):
        ask(asked)
    written = capsys.readouterr()
    assert nearest.experiment.question.en in written.err
    assert written.out == ""


def test_json_says_that_there_is_no_answer_and_names_the_nearest_questions(capsys):
    with pytest.raises(UsageError):
        ask("what is KV cache", json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["name"] is None
    assert found["nearest"][0]["name"] == "complexity"
