"""Where the laboratory began: what a mentor and students said about the paper, and what became of
each sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape

from whyformer.charts.words import in_symbols
from whyformer.foundation.bilingual import Bilingual, Language
from whyformer.lab.pages.cards import badge
from whyformer.lab.pages.frame import file_of, say
from whyformer.lab.pages.page import Page, not_yet


class Speaker(StrEnum):
    """Who said a sentence."""

    MENTOR = "mentor"
    STUDENTS = "students"


@dataclass(frozen=True)
class Saying:
    """A sentence from the study notes.

    Args:
        question: name of the question that answers it.
        claims: names of the claims that test it.
        outcome: what the measurement says about the sentence.
    """

    speaker: Speaker
    text: Bilingual
    question: str
    claims: tuple[str, ...]
    outcome: Bilingual


SAYINGS = (
    Saying(
        Speaker.STUDENTS,
        Bilingual(
            "d_k grows with the length of the sequence, so dividing by √d_k prevents an explosion "
            "of the gradient.",
            "d_k는 시퀀스 길이에 따라 커지니까, √d_k로 나누는 것은 기울기 폭발을 막기 위해서다.",
        ),
        "scaling",
        ("length", "explosion"),
        Bilingual(
            "d_k does not depend on the length. Without √d_k the typical gradient does get "
            "larger, but only in narrow heads.",
            "d_k는 길이와 무관합니다. √d_k로 나누지 않으면 보통의 기울기가 커지기는 하지만, 좁은 헤드에서만 그렇습니다.",
        ),
    ),
    Saying(
        Speaker.STUDENTS,
        Bilingual(
            "Dividing a random variable by n divides its variance by n². This is only mathematics.",
            "확률변수를 n으로 나누면 분산이 n²으로 나뉜다는 것은 수학적으로 당연한 말이다.",
        ),
        "scaling",
        ("variance",),
        Bilingual(
            "This is right, and it is why the divisor is √d_k: the scores have variance d_k.",
            "맞는 말입니다. 점수의 분산이 d_k이므로, 바로 이 때문에 √d_k로 나눕니다.",
        ),
    ),
    Saying(
        Speaker.MENTOR,
        Bilingual(
            "Without √d_k, the values inside the softmax get too large.",
            "√d_k로 나누지 않으면 소프트맥스에 들어가는 값이 너무 커진다.",
        ),
        "scaling",
        ("variance", "saturation"),
        Bilingual(
            "The values grow as expected. They are too large for the softmax only in wide heads.",
            "값은 예상대로 커집니다. 소프트맥스가 포화될 만큼 커지는 것은 넓은 헤드에서뿐입니다.",
        ),
    ),
    Saying(
        Speaker.STUDENTS,
        Bilingual(
            "Sine and cosine do not grow, they are periodic, and they give every position its own "
            "value. Even after a linear transformation, the value stays its own to some extent.",
            "사인과 코사인은 값이 커지지 않고 주기적이며, 위치마다 고유한 값을 준다. 선형 변환을 거쳐도 어느 정도 "
            "자기 값을 유지한다.",
        ),
        "positions",
        ("unique", "survival"),
        Bilingual(
            "Every position has its own value. It survives a linear map if the head is wide enough.",
            "위치마다 고유한 값이 있습니다. 헤드가 충분히 넓으면 선형 변환을 거쳐도 유지됩니다.",
        ),
    ),
    Saying(
        Speaker.STUDENTS,
        Bilingual(
            "Why sine and cosine?",
            "왜 사인과 코사인인가?",
        ),
        "positions",
        ("both",),
        Bilingual(
            "The notes ask this twice and give no answer. The measurement does: a sine alone is not "
            "enough. Only both together turn every shift into a rotation.",
            "노트에 두 번 나오지만 답이 없던 질문입니다. 재어 보니 사인만으로는 부족하고, 둘이 함께 있어야 위치 이동이 회전이 됩니다.",
        ),
    ),
    Saying(
        Speaker.MENTOR,
        Bilingual(
            "Complexity counts the work on the matrices. Sequential operations count the steps that "
            "must wait: O(n) for an RNN, O(1) for self-attention, because Q is computed for all "
            "rows at once.",
            "복잡도는 행렬 계산의 양이고, 순차 연산은 앞의 계산을 기다려야 하는 단계의 수다. RNN은 O(n)이고, 셀프 "
            "어텐션은 모든 행의 Q를 한꺼번에 계산하므로 O(1)이다.",
        ),
        "complexity",
        ("depth", "sequential"),
        Bilingual(
            "This is right for training. When a Transformer generates a text, it also takes one "
            "step after another.",
            "학습할 때는 맞습니다. 글을 생성할 때는 트랜스포머도 한 단계씩 차례로 계산합니다.",
        ),
    ),
    Saying(
        Speaker.MENTOR,
        Bilingual(
            "In Post-LN the normalization comes late, so the gradients there are large at the "
            "start. Training is sensitive to the learning rate, and therefore needs warm-up.",
            "Post-LN은 정규화가 뒤에 있어서 초기에 그곳의 기울기가 크다. 학습률에 민감하므로 워밍업이 필요하다.",
        ),
        "warmup",
        ("start", "needed", "mechanism"),
        Bilingual(
            "The gradients at the start are as predicted. Warm-up is needed at a high learning "
            "rate. Whether these gradients are the reason is open.",
            "초기 기울기는 예측대로입니다. 워밍업은 높은 학습률에서 필요합니다. 이 기울기가 그 이유인지는 아직 모릅니다.",
        ),
    ),
    Saying(
        Speaker.MENTOR,
        Bilingual(
            "Vanishing gradients are about a long sequence. The Transformer sees all positions at "
            "once, so it does not have this problem.",
            "기울기 소실은 긴 시퀀스의 문제다. 트랜스포머는 모든 위치를 한꺼번에 보므로 이 문제가 없다.",
        ),
        "gradients",
        ("time",),
        Bilingual(
            "This is right along the sequence.",
            "시퀀스 방향으로는 맞습니다.",
        ),
    ),
    Saying(
        Speaker.MENTOR,
        Bilingual(
            "Skip connections help somewhat, but I do not think they are decisive.",
            "잔차 연결도 어느 정도 도움이 되지만 결정적이라고 생각하지는 않는다.",
        ),
        "gradients",
        ("along_time", "need"),
        Bilingual(
            "Along the sequence they do not help. Along the depth they matter: without them, four "
            "or more layers learn much more slowly.",
            "시퀀스 방향으로는 도움이 되지 않습니다. 깊이 방향으로는 중요해서, 없으면 네 층 이상에서 훨씬 느리게 배웁니다.",
        ),
    ),
)
"""The sentences of the study notes in the order of the paper."""


def sayings_section(pages: Sequence[Page], language: Language) -> str:
    """Return the sentences about the questions of these pages, each with the verdicts."""
    known = {page.experiment.name: page for page in pages}
    items = "".join(
        _item(one, known[one.question], language) for one in SAYINGS if one.question in known
    )
    if not items:
        return ""
    return (
        f"<h2>{say('sayings', language)}</h2>\n<p>{say('sayings_lead', language)}</p>\n"
        f'<ol class="sayings">{items}</ol>'
    )


def _item(saying: Saying, page: Page, language: Language) -> str:
    claims = {claim.name: claim for claim in page.experiment.claims}
    address = file_of(saying.question, language)
    rows = []
    for name in saying.claims:
        judgement = page.facts.judgements.get(name)
        mark = badge(judgement, language) if judgement else not_yet(language)
        rows.append(
            f'<li>{mark} <a href="{address}#claim-{escape(name)}">'
            f"{in_symbols(claims[name].popular.in_(language))}</a></li>"
        )
    outcome = f"<p>{in_symbols(saying.outcome.in_(language))}</p>" if page.record else ""
    return (
        f"<li><blockquote><b>{say(saying.speaker, language)}</b> "
        f"“{in_symbols(saying.text.in_(language))}”</blockquote>"
        f"{outcome}<ul>{''.join(rows)}</ul></li>\n"
    )
