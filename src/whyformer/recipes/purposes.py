"""What the models of the built-in recipes do, in the languages of the page of `whyformer view`.

The description of a recipe is about the training, such as its time and its data, and in English.
"""

from importlib import resources

from whyformer.foundation.config import parse_yaml

PURPOSES: dict[str, tuple[str, str]] = {
    "classify": ("Chooses a label for a text.", "글에 알맞은 레이블을 고릅니다."),
    "copy": ("Copies a sequence of symbols.", "기호 시퀀스를 그대로 베낍니다."),
    "copy-lstm": ("Copies a sequence of symbols.", "기호 시퀀스를 그대로 베낍니다."),
    "multi30k-en-de": (
        "Translates image captions from English to German.",
        "사진 설명을 영어에서 독일어로 번역합니다.",
    ),
    "multi30k-en-de-full": (
        "Translates image captions from English to German.",
        "사진 설명을 영어에서 독일어로 번역합니다.",
    ),
    "pronounce": (
        "Predicts the pronunciation of English words in 39 phones.",
        "영어 단어의 발음을 음소 39개로 예측합니다.",
    ),
    "pronounce-full": ("Predicts the pronunciation of words.", "단어의 발음을 예측합니다."),
    "pronounce-lstm": (
        "Predicts the pronunciation of English words in 39 phones.",
        "영어 단어의 발음을 음소 39개로 예측합니다.",
    ),
    "regress": ("Predicts a number for a text.", "글에 알맞은 수를 예측합니다."),
    "sentiment-ko": (
        "Says whether a Korean film review is positive or negative.",
        "한국어 영화평이 긍정인지 부정인지 판단합니다.",
    ),
    "sentiment-ko-pretrain": (
        "Guesses the masked words of a Korean film review.",
        "한국어 영화평에서 가린 단어를 추측합니다.",
    ),
    "tag": ("Labels every word of a sentence.", "문장의 단어마다 레이블을 붙입니다."),
    "tiny-bert": (
        "Guesses masked words in texts like the help of Python.",
        "파이썬 도움말 같은 글에서 가린 단어를 추측합니다.",
    ),
    "tiny-electra": (
        "Finds replaced words in texts like the help of Python.",
        "파이썬 도움말 같은 글에서 바뀐 단어를 찾습니다.",
    ),
    "tiny-gpt": (
        "Continues a text in the style of the help of Python.",
        "파이썬 도움말 같은 글을 이어 씁니다.",
    ),
    "tiny-lstm-lm": (
        "Continues a text in the style of the help of Python.",
        "파이썬 도움말 같은 글을 이어 씁니다.",
    ),
    "translate": (
        "Translates a sentence as its training pairs do.",
        "학습한 문장 쌍처럼 문장을 번역합니다.",
    ),
}
"""For each built-in recipe, one sentence in English and in Korean."""


def purpose_of(description: str) -> dict[str, str] | None:
    """Return what a model does, from the description of its recipe that the model carries.

    Returns: one sentence in each language, or None if no built-in recipe has this description.
    """
    for name, (english, korean) in PURPOSES.items():
        if description and description == _description(name):
            return {"en": english, "ko": korean}
    return None


def _description(recipe: str) -> object:
    file = resources.files("whyformer.recipes") / f"{recipe}.yaml"
    tree, _ = parse_yaml(file.read_text(encoding="utf-8"), recipe)
    return tree["description"]
