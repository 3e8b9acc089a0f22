"""Which question of the laboratory is meant, asked in either language."""

import pytest

from whyformer.foundation.errors import UsageError
from whyformer.lab.matching.find import find
from whyformer.lab.method import questions
from whyformer.lab.method.experiment import Mode
from whyformer.lab.method.questions import QUESTIONS, experiment_named, written

ASKED = {
    "scaling": (
        "왜 루트 d_k로 나누나요?",
        "why sqrt dk",
        "Why do we divide scores before softmax?",
    ),
    "positions": (
        "왜 사인과 코사인을 쓰나요?",
        "why sine and cosine?",
        "위치 인코딩은 왜 필요한가요?",
        "위치 임베딩은 왜 필요해요?",
        "RoPE가 뭐예요?",
        "sin이랑 cos을 왜 같이 써요?",
    ),
    "complexity": (
        "복잡도는 왜 n²인가요?",
        "is attention O(1) sequential operations?",
        "is attention quadratic?",
        "why n^2?",
        "어텐션은 왜 제곱으로 느려지나요?",
    ),
    "warmup": (
        "워밍업은 왜 하나요?",
        "does post-norm need warm-up?",
        "Post-LN은 왜 워밍업이 필요해?",
        "레이어 노말라이제이션 위치",
        "레이어놈은 어디에 두나요?",
    ),
    "gradients": (
        "기울기 소실은 왜 생기나요?",
        "do gradients vanish?",
        "잔차 연결이 꼭 필요한가요?",
        "LSTM은 정말 괜찮나요?",
        "do LSTMs remember?",
        "exploding gradients",
        "long range dependencies",
        "그라디언트 소실",
        "레지듀얼 연결",
        "장기 의존성 문제",
    ),
    "heads": (
        "헤드는 왜 여러 개인가요?",
        "why multiple heads?",
    ),
    "smoothing": (
        "라벨 스무딩은 왜 하나요?",
        "레이블 스무딩은 왜 하나요?",
        "is my model overconfident?",
        "퍼플렉서티가 왜 나빠지나요?",
        "why label smoothing?",
    ),
    "embedding_scale": (
        "임베딩에 왜 루트 d_model을 곱하나요?",
        "why multiply embeddings by sqrt d_model?",
    ),
    "beam": (
        "빔을 키우면 항상 좋은가요?",
        "is a larger beam better?",
        "length penalty",
        "beam을 넓히면 좋아지나요?",
        "why are outputs too short?",
        "길이 페널티는 왜 써요?",
        "길이 벌점은 왜 써요?",
        "왜 번역이 짧게 나와요?",
        "왜 갈수록 짧아지나요?",
    ),
    "masking": (
        "BERT는 왜 80-10-10으로 마스킹하나요?",
        "why does BERT mask 15 %?",
        "BERT는 왜 가려요?",
        "MLM이 뭐예요?",
        "선형 탐침이 뭐예요?",
        "선형 프로브가 뭐예요?",
    ),
    "nsp": (
        "다음 문장 예측은 도움이 되나요?",
        "does next sentence prediction help?",
        "NSP는 왜 쓰나요?",
    ),
    "cache": (
        "what does a KV cache save?",
        "does the cache help?",
        "KV 캐시는 왜 쓰나요?",
    ),
    "explanation": (
        "do attention weights explain a prediction?",
        "can I trust an attention map?",
        "어텐션 맵은 믿을 수 있나요?",
    ),
    "qkv": (
        "why are queries, keys and values separate?",
        "can queries and keys share one matrix?",
        "Q, K, V를 왜 따로 두나요?",
    ),
    "bottleneck": (
        "seq2seq의 병목은 무엇인가요?",
        "why is one vector a bottleneck?",
    ),
}


@pytest.mark.parametrize(
    ("name", "asked"), [(name, one) for name in written() for one in ASKED[name]]
)
def test_a_question_finds_its_experiment_first(name, asked):
    answer = find(asked).answer
    assert answer is not None
    assert answer.name == name


def test_every_question_is_asked_here():
    assert set(ASKED) == set(QUESTIONS)


@pytest.mark.parametrize(
    "asked", ["", "cheese", "치즈", "????", "since when?", "what is attention", "어텐션이 뭐예요"]
)
def test_nothing_else_finds_anything(asked):
    assert find(asked).answer is None


def test_names_are_those_of_the_experiments():
    for name in written():
        experiment = experiment_named(name)
        assert experiment.name == name
        claims = [claim.name for claim in experiment.claims]
        assert len(claims) == len(set(claims)) > 0
        parts = [part.name for part in experiment.parts]
        assert len(parts) == len(set(parts)) > 0


def test_a_question_without_an_experiment_breaks_nothing(monkeypatch):
    monkeypatch.setattr(questions, "QUESTIONS", (*QUESTIONS, "later"))
    assert "later" not in written()
    answer = find("why sqrt dk").answer
    assert answer is not None
    assert answer.name == "scaling"
    with pytest.raises(UsageError, match="`later` has no experiment yet"):
        experiment_named("later")


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_quick_run_trains_with_more_than_one_seed(name):
    """A range of one seed would pass any criterion; algebra alone needs no second one."""
    exact = {
        "scaling/identity", "embedding_scale/identity", "positions/algebra", "positions/margin",
        "complexity/counts", "complexity/block", "complexity/depth", "complexity/path",
        "complexity/decoding", "bottleneck/distances", "cache/work", "cache/memory",
    }  # fmt: skip
    for part in experiment_named(name).parts:
        if part.conditions(Mode.QUICK) and f"{name}/{part.name}" not in exact:
            assert part.seeds[Mode.QUICK] >= 2, part.name
