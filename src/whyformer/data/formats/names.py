"""Common names of the columns of data files, grouped by the content of the column."""

from collections.abc import Sequence

TEXT = frozenset({
    "text", "texts", "document", "sentence", "review", "content", "comment", "utterance", "tweet",
    "message", "question", "sentence1", "sentence_1", "premise", "question1", "text1", "text_a",
    "query", "title", "body", "input", "source", "src", "word", "words", "tokens", "q", "form",
    "문장", "텍스트", "리뷰", "내용", "질문", "발화", "본문", "문서", "제목", "원문",
    "원본", "의견", "댓글",
})  # fmt: skip
SECOND = frozenset({
    "sentence2", "sentence_2", "hypothesis", "question2", "text2", "text_b", "passage", "문장2",
})  # fmt: skip
LABEL = frozenset({
    "label", "labels", "class", "category", "intent", "sentiment", "gold_label", "gold", "topic",
    "score", "rating", "similarity", "stars", "emotion", "tag", "tags", "ner_tags", "pos_tags",
    "target", "value", "labels.label",
    "라벨", "레이블", "유형", "카테고리", "종류", "감정", "분류", "점수", "평점", "의도", "주제",
})  # fmt: skip
TARGET = frozenset({
    "target", "tgt", "trg", "output", "answer", "a", "translation", "response", "summary",
    "pronunciation", "phonemes", "번역", "결과", "답변", "답", "정답", "발음", "요약", "번역문",
    "뜻", "의미", "발음기호",
})  # fmt: skip
OTHER = frozenset({
    "id", "idx", "index", "guid", "uid", "no", "number", "genre", "filename", "year", "split",
    "date", "url", "lang", "language", "pairid", "captionid", "user", "author",
    "번호", "날짜", "기호", "출처", "작성일", "작성자",
})  # fmt: skip
_LANGUAGES = """
ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id is it ja ka kk ko lt lv mk ml mr ms nb nl
no pl pt ro ru sk sl sq sr sv sw ta te th tr uk ur uz vi zh
arabic chinese czech danish dutch english finnish french georgian german greek hebrew hindi
hungarian indonesian italian japanese korean norwegian persian polish
portuguese romanian russian spanish
swedish thai turkish ukrainian vietnamese
한국어 국어 영어 일본어 중국어 독일어 프랑스어 스페인어 러시아어 베트남어 한글 영문 국문
"""
LANGUAGES = frozenset(_LANGUAGES.split())
CODES = frozenset({"eng", "kor", "jpn", "deu", "ger", "fra", "fre", "spa", "zho", "chi", "rus"})
"""Language codes that are recognised only as a part of a column's name."""
KNOWN = TEXT | SECOND | LABEL | TARGET | OTHER | LANGUAGES


def plain_name(name: str) -> str:
    """Return a column's name in the form in which known names are stored: lower case, with
    underscores for spaces.

    >>> plain_name(" Gold Label ")
    'gold_label'
    """
    return name.strip().strip('"').lower().replace(" ", "_").removeprefix("translation.")


def are_headings(cells: Sequence[str]) -> bool:
    """Return whether all cells are known names of columns. If there are more than two cells, two
    known names are enough.

    >>> are_headings(["id", "document", "label"]), are_headings(["en", "bonjour"])
    (True, False)
    """
    names = [plain_name(cell) for cell in cells]
    known = sum(map(is_known, names))
    enough = known == len(names) if len(names) <= 2 else known >= 2
    return len(names) > 1 and enough and len(set(names)) == len(names)


def is_known(name: str) -> bool:
    """Return whether a plain name is a known name of a column, or consists of several words that
    are all known.

    >>> is_known("kor_sentence"), is_known("영어_번역"), is_known("my_house")
    (True, True, False)
    """
    words = [word for word in name.split("_") if word]
    parts = KNOWN | CODES
    return name in KNOWN or (1 < len(words) <= 3 and all(word in parts for word in words))
