"""Interactive pieces of a page. The reader first predicts a result; then a script computes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from whyformer.foundation.bilingual import Bilingual

SCRIPTS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class Live:
    """A question to the reader, and the texts of the interactive piece that answers it.

    Args:
        choices: the predictions that the reader can choose from.
        right: the index of the right choice, from 0.
        why: explanation that is shown with the answer.
        words: labels by name, for the script `page/live_NAME.js`.
    """

    asked: Bilingual
    choices: tuple[Bilingual, ...]
    right: int
    why: Bilingual
    words: Mapping[str, Bilingual]

    def __post_init__(self) -> None:
        if not 0 <= self.right < len(self.choices):
            raise ValueError(f"choice {self.right} is not one of {len(self.choices)} choices")


LIVE: dict[str, Live] = {
    "scaling": Live(
        asked=Bilingual(
            "One query meets eight keys. You make the vectors wider and wider and divide the "
            "scores by nothing. What becomes of the softmax?",
            "질의 하나가 키 여덟 개를 만납니다. 점수를 아무것으로도 나누지 않고 벡터만 점점 넓히면 "
            "소프트맥스는 어떻게 될까요?",
        ),
        choices=(
            Bilingual("It becomes even: every key gets the same.", "고르게 퍼집니다. 모든 키가 같은 몫을 받습니다."),
            Bilingual("It stays as it is.", "그대로입니다."),
            Bilingual("One key takes nearly everything.", "키 하나가 거의 전부를 가져갑니다."),
        ),
        right=2,
        why=Bilingual(
            "The scores grow like √d_k, so their differences do too, and the exponential turns "
            "differences into ratios. Where one weight is nearly one, every entry of the Jacobian "
            "is nearly zero: nothing flows back. Drag the width and compare the three divisors.",
            "점수가 √d_k처럼 커지므로 점수의 차이도 커지고, 지수함수는 차이를 비율로 바꿉니다. 가중치 "
            "하나가 1에 가까우면 야코비안의 모든 성분이 0에 가까워져 기울기가 흐르지 않습니다. 너비를 끌어 "
            "보며 세 가지 나눗수를 비교해 보세요.",
        ),
        words={
            "width": Bilingual("width d_k", "너비 d_k"),
            "divide": Bilingual("divide the scores by", "점수를 나누는 수"),
            "again": Bilingual("Draw other vectors", "벡터 다시 뽑기"),
            "weights": Bilingual("softmax weights of the keys", "키별 소프트맥스 가중치"),
            "jacobian": Bilingual("Jacobian diag(p) − ppᵀ", "야코비안 diag(p) − ppᵀ"),
            "deviation": Bilingual("deviation of the scores", "점수의 표준편차"),
            "largest": Bilingual("largest weight", "가장 큰 가중치"),
            "norm": Bilingual("norm of the Jacobian", "야코비안의 노름"),
        },
    ),
    "positions": Live(
        asked=Bilingual(
            "Every pair of a position code is a hand on a clock. You move the position p and keep "
            "the offset k. What happens to the angle between the hands of p and p + k?",
            "위치 인코딩의 성분 한 쌍은 시곗바늘 하나와 같습니다. 오프셋 k는 그대로 두고 위치 p만 옮기면 p와 "
            "p + k의 바늘 사이 각도는 어떻게 될까요?",
        ),
        choices=(
            Bilingual("It grows with p.", "p를 따라 커집니다."),
            Bilingual("It stays the same.", "변하지 않습니다."),
            Bilingual("It depends on both p and k.", "p와 k 모두에 따라 달라집니다."),
        ),
        right=1,
        why=Bilingual(
            "The step from p to p + k is a rotation by ω k in every pair, whatever p is: one "
            "matrix R(k), the same everywhere. Fast pairs tell neighbours apart, slow pairs tell "
            "far places apart.",
            "p에서 p + k로 가는 걸음은 p와 상관없이 각 쌍을 ω k만큼 돌리는 회전입니다. 어디에서나 같은 행렬 "
            "R(k)입니다. 빠른 쌍은 이웃을 구별하고, 느린 쌍은 먼 자리를 구별합니다.",
        ),
        words={
            "position": Bilingual("position p", "위치 p"),
            "offset": Bilingual("offset k", "오프셋 k"),
            "angle": Bilingual("angle", "각도"),
            "from": Bilingual("code of p", "p의 인코딩"),
            "to": Bilingual("code of p + k", "p + k의 인코딩"),
            "residual": Bilingual("|R(k) PE(p) − PE(p + k)|", "|R(k) PE(p) − PE(p + k)|"),
            "product": Bilingual("PE(p) · PE(p + k)", "PE(p) · PE(p + k)"),
        },
    ),
    "complexity": Live(
        asked=Bilingual(
            "A block has an attention core (scores and their weighted sum), four projections and a "
            "feed-forward part. At a few hundred tokens and a usual width, which of them costs most?",
            "블록 하나는 어텐션의 핵심(점수와 가중합), 투영 네 개, 피드포워드로 이루어집니다. 토큰 수백 개와 "
            "흔한 너비에서는 어느 것이 가장 비쌀까요?",
        ),
        choices=(
            Bilingual("The attention core, for it is quadratic.", "제곱으로 커지는 어텐션의 핵심."),
            Bilingual("The four projections.", "투영 네 개."),
            Bilingual("The feed-forward part.", "피드포워드."),
        ),
        right=2,
        why=Bilingual(
            "The square is in the length, not in the width: the core overtakes the rest only when "
            "the sequence is several times longer than the model is wide. Choose both and watch "
            "the shares.",
            "제곱은 너비가 아니라 길이에 붙습니다. 시퀀스가 모델의 너비보다 몇 배 길어져야 어텐션의 핵심이 "
            "나머지를 앞지릅니다. 둘을 골라 몫이 어떻게 바뀌는지 보세요.",
        ),
        words={
            "length": Bilingual("tokens n", "토큰 수 n"),
            "width": Bilingual("width d", "너비 d"),
            "block": Bilingual("shares of one block", "블록 하나 안의 몫"),
            "core": Bilingual("attention core", "어텐션 핵심"),
            "projections": Bilingual("projections", "투영"),
            "feedforward": Bilingual("feed-forward", "피드포워드"),
            "layers": Bilingual(
                "operations of a layer, logarithmic bars (multiply and add count two)",
                "층의 연산 수, 로그 막대 (곱셈과 덧셈을 따로 셈)",
            ),
            "attention": Bilingual("self-attention (Table 1)", "셀프 어텐션 (Table 1)"),
            "recurrent": Bilingual("recurrent", "순환"),
            "convolution": Bilingual("convolution, three wide", "합성곱 (너비 셋)"),
            "window": Bilingual("attention, window of sixty-four", "어텐션 (예순네 칸의 창)"),
            "cheapest": Bilingual("cheapest", "가장 쌈"),
        },
    ),
}  # fmt: skip


def script_of(name: str) -> str:
    """Return the JavaScript of an interactive piece."""
    return (SCRIPTS / f"live_{name}.js").read_text(encoding="utf-8")
