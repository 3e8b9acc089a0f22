"""The survey of data: figures, faults of lines, and memory that does not grow."""

import random
import tracemalloc

import numpy as np
import pytest

from made_up_pairs import GERMAN_ENGLISH, KOREAN_ENGLISH, exchanged
from whyformer.data.reading import Pair
from whyformer.data.survey import repeats
from whyformer.data.survey.block import Block, in_blocks
from whyformer.data.survey.characters import CONTROL, DIGIT, EMOJI, SPACE, class_of_point
from whyformer.data.survey.judge import Judge
from whyformer.data.survey.markup import html_in, numbers_agree
from whyformer.data.survey.profile import Kind, Profile
from whyformer.data.survey.reasons import Reason
from whyformer.data.survey.sample import EvenSample
from whyformer.data.survey.side import SideFigures
from whyformer.data.survey.survey import surveyed


def survey_of(pairs, kind=Kind.PAIRS, **options):
    return surveyed(kind, lambda: iter(pairs), **options)


def judged(pairs, kind=Kind.PAIRS):
    """Return the reasons of each pair, as learned from all pairs."""
    judgement = Judge(Profile.of(kind, pairs))(pairs)
    return [
        {reason for reason in Reason if flags & reason.bit} for flags in judgement.flags.tolist()
    ]


def test_a_block_counts_characters_words_and_scripts_of_each_text():
    texts = ["안녕 world", "", "  two  words ", "Привет!", "a\nb", "né"]
    block = Block.of(texts)
    assert block.lengths.tolist() == [len(text) for text in texts]
    assert block.words.tolist() == [len(text.split()) for text in texts]
    assert block.dominant.tolist() == [0, -1, 0, 2, 0, 0]
    assert block.letters.sum(axis=1).tolist() == [7, 0, 8, 6, 2, 2]


def test_classes_of_characters():
    table = class_of_point()
    for character, wanted in ((" ", SPACE), ("７", DIGIT), ("\x07", CONTROL), ("\ufffd", CONTROL)):
        assert table[ord(character)] == wanted
    assert table[ord("😀")] == EMOJI
    assert not np.isin(table[[ord(c) for c in "\n\t.,-ː\u200d"]], [CONTROL]).any()


def test_figures_of_a_side_are_those_of_python():
    draw = random.Random(3)
    texts = ["".join(draw.choices("ab 가나1.", k=draw.randrange(60))) for _ in range(3000)]
    side = SideFigures()
    for start in range(0, len(texts), 700):
        side.add(Block.of(texts[start : start + 700]), texts[start : start + 700])
    lengths = sorted(map(len, texts))
    assert side.characters.longest == lengths[-1]
    assert side.characters.quantile(0.5) == lengths[len(lengths) // 2 - 1]
    assert side.different_words.count == len({word for text in texts for word in text.split()})
    assert side.different_characters == len({c for text in texts for c in text})
    assert side.letters.keys() == {"Latin", "Hangul"}


def test_many_different_words_are_estimated(monkeypatch):
    monkeypatch.setattr("whyformer.data.survey.side.DIFFERENT_WORDS", 2000)
    side = SideFigures()
    texts = [f"w{number} w{number * 7}" for number in range(20_000)]
    side.add(Block.of(texts), texts)
    exact = len({word for text in texts for word in text.split()})
    assert side.different_words.halvings
    assert abs(side.different_words.count / exact - 1) < 0.1


def test_an_even_sample_covers_the_whole_stream():
    sample = EvenSample[int](100)
    for number in range(12_345):
        sample.add(number)
    assert 50 <= len(sample.items) <= 100
    gaps = {b - a for a, b in zip(sample.items, sample.items[1:], strict=False)}
    assert len(gaps) == 1
    assert sample.items[0] == 0


@pytest.mark.parametrize("maker", [KOREAN_ENGLISH, GERMAN_ENGLISH])
def test_clean_pairs_have_no_faults(maker):
    assert not any(judged(maker.pairs(2000)))


@pytest.mark.parametrize("maker", [KOREAN_ENGLISH, GERMAN_ENGLISH])
@pytest.mark.parametrize("share", [0.03, 0.5])
def test_swapped_pairs_are_found_and_no_others(maker, share):
    draw = random.Random(5)
    pairs = maker.pairs(3000)
    swapped = [draw.random() < share for _ in pairs]
    if sum(swapped) > len(pairs) / 2:  # the direction of most pairs is the right one
        swapped = [not one for one in swapped]
    found = judged([exchanged(p) if is_ else p for p, is_ in zip(pairs, swapped, strict=True)])
    right = sum(Reason.SWAPPED in one for one, is_ in zip(found, swapped, strict=True) if is_)
    wrong = sum(Reason.SWAPPED in one for one, is_ in zip(found, swapped, strict=True) if not is_)
    assert right >= 0.97 * sum(swapped)
    assert wrong == 0


def test_two_sides_in_one_language_are_not_swapped():
    draw = random.Random(2)
    texts = [pair.target for pair in GERMAN_ENGLISH.pairs(2000)]
    pairs = [Pair(n, text, draw.choice(texts)) for n, text in enumerate(texts)]
    assert not any(Reason.SWAPPED in one or Reason.LANGUAGE in one for one in judged(pairs))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda pair, other: pair._replace(target=""), Reason.EMPTY),
        (lambda pair, other: pair._replace(source=" \u3000"), Reason.EMPTY),
        (lambda pair, other: pair._replace(source=f"{pair.source}\x08"), Reason.CONTROL),
        (lambda pair, other: pair._replace(target=f"{pair.target}\ufffd"), Reason.CONTROL),
        (lambda pair, other: pair._replace(target=f"<p>{pair.target}</p>"), Reason.HTML),
        (lambda pair, other: pair._replace(source="source", target="target"), Reason.HEADER),
        (lambda pair, other: pair._replace(target=f"{pair.target} " * 6), Reason.LENGTH),
        (lambda pair, other: pair._replace(target=pair.source + " und so"), Reason.LANGUAGE),
        (lambda pair, other: pair._replace(target=pair.source), Reason.IDENTICAL),
    ],
)
def test_a_fault_is_found_where_it_is(change, reason):
    pairs = GERMAN_ENGLISH.pairs(2000)
    places = [place for place in range(50, 2000, 97) if len(pairs[place].source) > 45]
    for place in places:
        pairs[place] = change(pairs[place], pairs[place - 1])
    found = judged(pairs)
    assert [place for place, one in enumerate(found) if reason in one] == places
    for place in set(range(2000)) - set(places):
        assert not found[place], pairs[place]


def test_a_side_in_a_third_script_is_found():
    pairs = KOREAN_ENGLISH.pairs(1000)
    pairs[7] = pairs[7]._replace(target="это совсем другой язык")
    pairs[8] = pairs[8]._replace(target=pairs[9].source + " " + pairs[10].source)
    pairs[9] = pairs[9]._replace(target="KBS 2")  # a name in other letters is no fault
    pairs[9] = pairs[9]._replace(source="KBS 2")
    found = judged(pairs)
    assert [place for place, one in enumerate(found) if Reason.SCRIPT in one] == [7, 8]


def test_numbers_are_compared_only_where_they_usually_agree():
    pairs = GERMAN_ENGLISH.pairs(2000)
    place = next(n for n, pair in enumerate(pairs) if pair.source[-1].isdigit())
    pairs[place] = pairs[place]._replace(target=pairs[place].target + "99")
    found = judged(pairs)
    assert [n for n, one in enumerate(found) if Reason.NUMBERS in one] == [place]
    others = [p._replace(target=p.target.replace("1", "7").replace("2", "8")) for p in pairs]
    assert not any(Reason.NUMBERS in one for one in judged(others))


@pytest.mark.parametrize(
    ("source", "target", "agree"),
    [
        ("1,500 men in 1998", "1.500 Menschen 1998", True),
        ("in 1998", "im Jahr 1989", False),
        ("10만 명", "100,000 people", None),
        ("5 o'clock", "17 Uhr", None),
        ("no numbers", "12", None),
        ("１９９８", "1998", True),
    ],
)
def test_numbers_of_two_texts(source, target, agree):
    assert numbers_agree(source, target) is agree


def test_html_is_no_comparison_of_numbers():
    assert html_in("a < b and c > d & e; <3 AT&T; if x<y>z") == ["<y>"]
    assert html_in("&nbsp;<br/>") == ["&nbsp;", "<br/>"]


def repeated(pairs, **options):
    found = survey_of(pairs, **options)
    return found.repeats, found


def test_repeats_and_several_targets_are_counted():
    a, b, c, *rest = KOREAN_ENGLISH.pairs(500)
    pairs = [a, b, c, *rest, a, a._replace(target="another"), b._replace(source=f" {b.source} ")]
    found, survey = repeated(pairs)
    assert (found.duplicates, found.several, found.in_several) == (2, 1, 3)
    assert np.flatnonzero(found.marks & repeats.DUPLICATE).tolist() == [500, 502]
    assert survey.found[Reason.DUPLICATE] == 2
    assert survey.found[Reason.SEVERAL] == 3


def test_hashes_on_disk_give_the_same_figures(monkeypatch):
    pairs = KOREAN_ENGLISH.pairs(3000)
    pairs += pairs[100:400]
    in_memory, _ = repeated(pairs)
    monkeypatch.setattr(repeats, "IN_MEMORY", 500)
    on_disk, _ = repeated(pairs)
    assert (in_memory.marks == on_disk.marks).all()
    assert on_disk.duplicates == 300
    assert vars(in_memory) | {"marks": 0} == vars(on_disk) | {"marks": 0}


def test_validation_texts_in_the_training_data_are_found_without_case_and_punctuation():
    pairs = KOREAN_ENGLISH.pairs(600)
    held = [pairs[5]._replace(source=f"{pairs[5].source.replace(' ', ', ')}!"), Pair(2, "새", "x")]
    found, survey = repeated(pairs, validation=lambda: iter(held))
    assert (found.validation, found.near_validation) == (2, 1)
    assert survey.found[Reason.VALIDATION] == 1


def test_the_split_of_training_is_the_one_that_is_checked():
    from whyformer.data.held_out import Draw, place

    pairs = KOREAN_ENGLISH.pairs(600)
    pairs += [pair._replace(source=f"{pair.source}?") for pair in pairs[:300]]
    draw = Draw(4000)
    for pair in pairs:
        draw.add(pair.source)
    chosen = draw.held_out(0.02, 2000)
    held = [place(pair.source) in chosen for pair in pairs]
    found, survey = repeated(pairs)
    assert found.validation == sum(held)
    both = list(zip(held[:300], held[600:], strict=True))
    assert found.near_validation == sum(one != other for one, other in both)
    assert survey.found[Reason.VALIDATION] == found.near_validation


def test_validation_data_of_the_other_direction_is_noticed():
    pairs = GERMAN_ENGLISH.pairs(1500)
    other = [exchanged(pair) for pair in pairs[1000:]]
    assert survey_of(pairs[:1000], validation=lambda: iter(other)).opposite
    assert not survey_of(pairs[:1000], validation=lambda: iter(pairs[1000:])).opposite


def test_a_missing_line_of_one_file_is_noticed():
    pairs = KOREAN_ENGLISH.pairs(6000)
    targets = [pair.target for pair in pairs]
    del targets[3000]
    shifted = [pair._replace(target=one) for pair, one in zip(pairs, targets, strict=False)]
    found = survey_of(shifted).alignment
    assert found.first == 4096
    assert found.lag == -1
    assert survey_of(pairs).alignment.first is None


def test_the_strangest_pairs_have_different_reasons():
    pairs = GERMAN_ENGLISH.pairs(1000)
    pairs[3] = pairs[3]._replace(target="")
    pairs[4] = exchanged(pairs[4])
    pairs[5] = pairs[5]._replace(target=pairs[5].target * 9)
    found = survey_of(pairs)
    assert {one.reason for one in found.strangest[:3]} == {
        Reason.EMPTY, Reason.SWAPPED, Reason.LENGTH,
    }  # fmt: skip
    assert len(found.strangest) == 10


def test_labels_that_contradict_each_other_are_found():
    texts = [pair.target for pair in GERMAN_ENGLISH.pairs(400)]
    items = [Pair(n, text, "yes" if n % 3 else "no") for n, text in enumerate(texts)]
    items.append(Pair(401, texts[1], "no"))
    found = survey_of(items, Kind.LABELLED)
    assert found.found[Reason.SEVERAL] == 2
    assert found.labels.keys() == {"yes", "no"}


@pytest.mark.usefixtures("unchecked")
def test_memory_does_not_grow_with_the_data(monkeypatch):
    monkeypatch.setattr(repeats, "IN_MEMORY", 6_000)
    monkeypatch.setattr("whyformer.data.survey.survey.SAMPLE", 1000)

    def stream(count):
        draw = random.Random(1)
        for number in range(count):
            words = [f"{draw.randrange(3000)}x" for _ in range(5)]
            yield Pair(number, " ".join(words), " ".join(reversed(words)))

    def peak(count):
        tracemalloc.start()
        surveyed(Kind.PAIRS, lambda: stream(count))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1000)  # tables that are made once
    small, large = peak(9_000), peak(36_000)
    assert large < small + 4e5


def test_blocks_end_after_many_characters():
    pairs = [Pair(n, "x" * 100_000, "y") for n in range(40)]
    assert [len(block) for block in in_blocks(pairs)] == [11, 11, 11, 7]
