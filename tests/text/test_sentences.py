"""Lines and their sentences."""

import pytest

from whyformer.text.sentences import sentences

SPLIT = [
    ["A man is riding a horse.", "Two dogs are playing in the snow.", "A woman sings."],
    ["Is it raining?", "No!", "It is snowing."],
    ["Dr. Kim met Mr. Smith at 3.30 p.m. on Main St. in Seoul.", "They talked."],
    ["J. K. Rowling wrote it.", "See No. 5 for details."],
    ["“Stop!” he said.", "“Why?” she asked."],
    ["Wait... what?", "Fine."],
    ["Er kam am 3. Mai an.", "Das war z. B. im Jahr 1999 so.", "Ärger gab es nicht."],
    ["비가 옵니다.", "우산이 있나요?", "네!"],
    ['그는 "안녕." 하고 말했다.', "그리고 3.5초 뒤에 갔다."],
    ["음... 그래요.", "알겠어요."],
    ["a man rides a horse.", "two dogs play."],
    ["L'été est là.", "Où es-tu ?", "Ici."],
]
WHOLE = [
    "", " ", "...", "one sentence", "The end.", "  spaces around.  ", "Mr. Kim",
    "example.com is down", "U.S. troops", "v1.2.3 runs", "안녕하세요", "3.14", "Yahoo! was sold",
    "a\tb",
    "Hmm... maybe",
    "「はい。」と言った。",
]  # fmt: skip


@pytest.mark.parametrize("wanted", SPLIT, ids=lambda one: one[0])
def test_sentences_are_found(wanted):
    assert sentences(" ".join(wanted)) == wanted


def test_full_width_marks_need_no_space():
    assert sentences("今日は雨です。傘がありますか？はい。") == [
        "今日は雨です。",
        "傘がありますか？",
        "はい。",
    ]


@pytest.mark.parametrize("line", WHOLE)
def test_a_line_of_one_sentence_is_unchanged(line):
    assert sentences(line) == [line]


@pytest.mark.parametrize(
    "line", [*map("  ".join, SPLIT), " a. B. \u3000C! ", "A.\u00a0Big one. \n"]
)
def test_nothing_but_space_is_lost(line):
    found = sentences(line)
    assert "".join("".join(found).split()) == "".join(line.split())
    assert all(one in line for one in found)


def test_a_sentence_is_not_split_again():
    for line in SPLIT:
        for sentence in line:
            assert sentences(sentence) == [sentence]


def test_long_runs_of_marks_lose_nothing():
    for part in ("A dog runs. ", ".", "“", "a.", "dr. ", "。", "!?", "a ", '." ', "b(", " . "):
        line = part * 20_000 + "x" * 20_000 + " y. Z"
        assert "".join(sentences(line)).replace(" ", "") == line.replace(" ", "")
