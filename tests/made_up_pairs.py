"""Sentence pairs of made-up languages, clean and with known faults, for tests of the survey."""

import random
from dataclasses import dataclass

from whyformer.data.reading import Pair


def _words(text: str) -> list[str]:
    return text.split()


ENGLISH = _words(
    "the a my your old new green little big house garden river train child teacher doctor winter "
    "morning bread window letter reads sees likes opens finds brings never often today here "
    "with under before because they when something beautiful people always school water"
)
GERMAN = _words(
    "der die das mein dein alt neu gruen klein gross Haus Garten Fluss Zug Kind Lehrer Arzt "
    "Winter Morgen Brot Fenster Brief liest sieht mag oeffnet findet bringt nie oft heute hier mit "
    "unter vor weil sie wenn etwas schoen Leute immer Schule Wasser"
)
KOREAN = _words(
    "그 한 나의 너의 낡은 새로운 초록 작은 커다란 집 정원 강 기차 아이 선생님 의사 겨울 아침 빵 "
    "창문 편지 읽는다 본다 좋아한다 연다 찾는다 가져온다 결코 자주 오늘 여기 함께 아래 전에 "
    "왜냐하면 그들은 언제 무언가 아름다운 사람들 항상 학교 물"
)


@dataclass(frozen=True)
class Maker:
    """Makes pairs whose words correspond one to one."""

    left: list[str]
    right: list[str]
    seed: int = 1

    def pairs(self, count: int) -> list[Pair]:
        """Return different pairs of 3 to 12 words; one in ten has a number."""
        draw = random.Random(self.seed)
        found: dict[str, Pair] = {}
        while len(found) < count:
            places = [
                draw.randrange(min(len(self.left), len(self.right)))
                for _ in range(draw.randint(3, 12))
            ]
            number = f" {draw.randrange(10, 3000)}" if draw.random() < 0.1 else ""
            source = " ".join(self.left[place] for place in places) + number
            target = " ".join(self.right[place] for place in places) + number
            found.setdefault(source, Pair(len(found) + 1, source, target))
        return list(found.values())


KOREAN_ENGLISH = Maker(KOREAN, ENGLISH)
GERMAN_ENGLISH = Maker(GERMAN, ENGLISH)


def exchanged(pair: Pair) -> Pair:
    """Return a pair with its sides exchanged."""
    return pair._replace(source=pair.target, target=pair.source)
