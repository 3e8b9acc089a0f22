"""``whyformer data``: what it says of files with faults, and which lines ``--clean`` writes."""

import csv
import json
import os
import random
from pathlib import Path

import pytest

from made_up_pairs import GERMAN_ENGLISH, KOREAN_ENGLISH, exchanged

ALL = Path(os.environ.get("WHYFORMER_CORPORA", "/nowhere"))
"""Directory of real corpora, which are not part of the repository."""


def write(path, pairs):
    path.write_text("".join(f"{p.source}\t{p.target}\n" for p in pairs), encoding="utf-8")
    return path


def rows(path):
    return [tuple(line.split("\t")) for line in path.read_text(encoding="utf-8").splitlines()]


def texts(pairs):
    return [(pair.source, pair.target) for pair in pairs]


@pytest.fixture
def cleaned(cli, tmp_path):
    """Return a function that cleans a file: what is said, and the good and the other lines."""

    def run(path, *options):
        said = cli("data", path, "--clean", tmp_path / "good.tsv", *options)
        assert said.code == 0, said.err
        head, *others = rows(tmp_path / "good.dropped.tsv")
        assert head[:3] == ("line", "done", "reason")
        return said.out, rows(tmp_path / "good.tsv"), others

    return run


def test_clean_pairs_stay_as_they_are(cleaned, tmp_path):
    pairs = GERMAN_ENGLISH.pairs(1500)
    out, good, others = cleaned(write(tmp_path / "p.tsv", pairs))
    assert good == texts(pairs)
    assert not others
    assert "1,500 pairs" in out
    assert "Latin 100 %" in out


def test_standard_input_is_read_like_a_file(cli, tmp_path):
    path = write(tmp_path / "p.tsv", KOREAN_ENGLISH.pairs(200))
    from_file = json.loads(cli("data", path, "--json").out)
    from_input = json.loads(cli("data", "-", "--json", stdin=path.read_bytes()).out)
    assert from_input["count"] == from_file["count"] == 200
    assert from_input["findings"] == from_file["findings"]
    twice = cli("data", "-", "-")
    assert twice.code == 2
    assert "Standard input can be used only once" in twice.err


def test_a_header_can_be_stated(cli, tmp_path):
    path = write(tmp_path / "p.tsv", KOREAN_ENGLISH.pairs(200))
    counts = [
        json.loads(cli("data", path, "--json", *flag).out)["count"]
        for flag in ([], ["--data.header", "true"])
    ]
    assert counts == [200, 199]
    other = cli("data", path, "--model.dropout", "0.1")
    assert other.code == 2
    assert "reads only the settings data.header" in other.err


def test_a_report_fits_one_screen(cli, tmp_path):
    draw = random.Random(1)
    pairs = [
        draw.choice((exchanged, lambda p: p._replace(target=""), lambda p: p, lambda p: p))(pair)
        for pair in KOREAN_ENGLISH.pairs(900)
    ]
    lines = cli("data", write(tmp_path / "p.tsv", pairs)).out.splitlines()
    assert len(lines) <= 45
    assert max(map(len, lines[1:-1])) <= 120  # without the lines that name files


# Ten kinds of dirty files


def test_wrong_order_of_columns(cli, tmp_path):
    path = write(tmp_path / "p.tsv", KOREAN_ENGLISH.pairs(600))
    path.write_text(f"en\tko\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    out = cli("data", path).out
    assert "The side `en` is mostly Hangul. Check the columns." in out
    assert "The side `ko` is mostly Latin. Check the columns." in out
    swapped = cli("data", path, "--columns", "ko,en").out
    assert "source = `ko`" in swapped


def test_a_header_inside_the_data(cleaned, tmp_path):
    pairs = KOREAN_ENGLISH.pairs(600)
    path = write(tmp_path / "p.tsv", pairs)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines.insert(300, "source\ttarget\n")
    path.write_text("".join(["source\ttarget\n", *lines]), encoding="utf-8")
    out, good, others = cleaned(path)
    assert good == texts(pairs)
    assert {one[:3] for one in others} <= {
        ("1", "dropped", "a header line inside the data"),
        ("302", "dropped", "a header line inside the data"),
    }
    assert "a header line inside the data" in out


def test_mixed_encodings(cleaned, tmp_path):
    pairs = KOREAN_ENGLISH.pairs(400)
    path = write(tmp_path / "p.tsv", pairs)
    lines = path.read_bytes().splitlines(keepends=True)
    broken = (20, 21, 350)
    for place in broken:
        lines[place] = lines[place].decode().encode("cp949")
    path.write_bytes(b"".join(lines))
    out, good, others = cleaned(path)
    assert good == [one for place, one in enumerate(texts(pairs)) if place not in broken]
    assert [int(one[0]) for one in others] == [place + 1 for place in broken]
    assert "p.tsv:21: text must be UTF-8" in " ".join(out.split())
    assert "3 lines cannot be read" in out


def test_another_encoding_is_refused(cli, tmp_path):
    path = tmp_path / "p.tsv"
    path.write_bytes(write(path, KOREAN_ENGLISH.pairs(400)).read_text("utf-8").encode("cp949"))
    assert "Give --encoding cp949" in cli("data", path).sentence
    assert "400 pairs" in cli("data", path, "--encoding", "cp949").out


@pytest.mark.parametrize("maker", [KOREAN_ENGLISH, GERMAN_ENGLISH])
def test_half_of_the_pairs_swapped(cleaned, tmp_path, maker):
    pairs = maker.pairs(1200)
    mixed = [exchanged(p) if place % 2 and place > 10 else p for place, p in enumerate(pairs)]
    out, good, others = cleaned(write(tmp_path / "p.tsv", mixed))
    assert "of the pairs look swapped. --clean exchanges their sides." in " ".join(out.split())
    right = sum(one == wanted for one, wanted in zip(good, texts(pairs), strict=True))
    assert right >= 0.97 * len(pairs)
    assert {one[1] for one in others} == {"exchanged"}


def test_html(cleaned, tmp_path):
    pairs = GERMAN_ENGLISH.pairs(800)
    broken = set(range(5, 800, 31))
    dirty = [
        p._replace(source=f"<p>{p.source}</p>", target=f"{p.target} &amp; so") if n in broken else p
        for n, p in enumerate(pairs)
    ]
    dirty[0] = pairs[0]._replace(
        source=f"<b>{pairs[0].source}</b>", target=f"<b>{pairs[0].target}</b>"
    )
    out, good, others = cleaned(write(tmp_path / "p.tsv", dirty))
    assert {int(one[0]) - 1 for one in others} == broken
    assert good[0] == texts(dirty)[0]  # the same tags on both sides may be wanted
    assert "HTML on one side only" in out
    assert "HTML on both sides" in out


def test_emoji_are_counted_and_kept(cleaned, tmp_path):
    pairs = [
        p._replace(source=f"{p.source} 😀👍🏽", target=f"{p.target} 😀👍🏽") if n % 5 == 0 else p
        for n, p in enumerate(KOREAN_ENGLISH.pairs(600))
    ]
    out, good, others = cleaned(write(tmp_path / "p.tsv", pairs))
    assert good == texts(pairs)
    assert not others
    assert "240 texts have emoji" in out


def test_duplicates(cleaned, tmp_path):
    pairs = KOREAN_ENGLISH.pairs(700)
    out, good, others = cleaned(write(tmp_path / "p.tsv", [*pairs, *pairs[:300]]))
    assert good == texts(pairs)
    assert [int(one[0]) for one in others] == list(range(701, 1001))
    assert "30.0 % of the pairs repeat an earlier one." in out


def test_one_side_empty(cleaned, tmp_path):
    pairs = [pair._replace(target="") for pair in KOREAN_ENGLISH.pairs(600)]
    out, good, others = cleaned(write(tmp_path / "p.tsv", pairs))
    assert not good
    assert len(others) == 600
    assert "100 % of the pairs have an empty side. Check the columns." in out


def test_twenty_pairs(cleaned, tmp_path):
    pairs = KOREAN_ENGLISH.pairs(20)
    out, good, _ = cleaned(write(tmp_path / "p.tsv", pairs))
    assert good == texts(pairs)
    assert "20 pairs are too few to learn from. Collect a few thousand." in out


def test_a_single_pair(cleaned, tmp_path):
    pairs = KOREAN_ENGLISH.pairs(1)
    _, good, _ = cleaned(write(tmp_path / "p.tsv", pairs))
    assert good == texts(pairs)


# Other kinds of files


def test_labelled_texts(cleaned, tmp_path):
    pairs = GERMAN_ENGLISH.pairs(400)
    label = ["good", "bad"]
    lines = [f"{n}\t{p.target}\t{label[n % 2]}" for n, p in enumerate(pairs)]
    lines += [f"400\t{pairs[0].target}\tbad", f"401\t{pairs[1].target}\tbad", "402\tsome\t"]
    path = tmp_path / "r.tsv"
    path.write_text("\n".join(["id\ttext\tlabel", *lines]) + "\n", encoding="utf-8")
    out, good, others = cleaned(path)
    assert "403 texts" in out
    assert "2 different labels: bad" in out
    assert "the same text has different labels" in out
    assert len(good) == 401
    assert [one[0] for one in others] == ["403", "404"]  # a repetition, and no label


def test_two_texts_with_a_label_stay_two_columns(cleaned, tmp_path):
    path = tmp_path / "nli.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["sentence1", "sentence2", "gold_label"])
        for number, pair in enumerate(GERMAN_ENGLISH.pairs(100)):
            writer.writerow([pair.source, f"so,\n{pair.target}", "yes" if number % 3 else "no"])
    _, good, _ = cleaned(path)
    assert {len(row) for row in good} == {3}
    assert good[0][1].startswith("so, ")


def test_a_column_that_is_no_label_is_named(cli, tmp_path):
    path = write(tmp_path / "p.tsv", GERMAN_ENGLISH.pairs(300))
    out = " ".join(cli("data", path, "--task", "classify").out.split())
    assert "300 different labels for 300 texts: is this column the label?" in out


def test_labelled_words(cleaned, tmp_path):
    path = tmp_path / "names.conll"
    sentence = "Tom B-PER\nsleeps O\n\n"
    path.write_text(f"{sentence}A O\ndog O\n\n{sentence}", encoding="utf-8")
    out, good, others = cleaned(path)
    assert "3 sentences" in out
    assert good == [("Tom", "B-PER"), ("sleeps", "O"), ("",), ("A", "O"), ("dog", "O"), ("",)]
    assert [one[2] for one in others] == ["repeats an earlier line"]


def test_text_keeps_its_blank_and_repeated_lines(cleaned, tmp_path):
    path = tmp_path / "book.txt"
    path.write_text("One.\n\nOne.\n\x08\nTwo.\n", encoding="utf-8")
    out, good, others = cleaned(path)
    assert "5 lines" in out
    assert good == [("One.",), ("",), ("One.",), ("Two.",)]
    assert len(others) == 1


def test_two_files_become_two_files(cli, tmp_path):
    pairs = KOREAN_ENGLISH.pairs(300)
    for side, name in (("source", "ko"), ("target", "en")):
        lines = [getattr(pair, side) for pair in [*pairs, pairs[0]]]
        (tmp_path / f"train.{name}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    prefix = ["--source", "ko", "--target", "en", "--clean", tmp_path / "good"]
    assert cli("data", tmp_path / "train", *prefix).code == 0
    for side, name in (("source", "ko"), ("target", "en")):
        written = (tmp_path / f"good.{name}").read_text(encoding="utf-8").splitlines()
        assert written == [getattr(pair, side) for pair in pairs]
    assert len(rows(tmp_path / "good.dropped.tsv")) == 2


def test_rows_that_do_not_fit_the_table_are_listed(cleaned, tmp_path):
    pairs = KOREAN_ENGLISH.pairs(100)
    path = write(tmp_path / "p.tsv", pairs)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[30] = lines[30].replace("\n", "\tmore\n")
    lines[40] = "alone\n"
    lines[50] = "\t\n"
    path.write_text("".join(lines), encoding="utf-8")
    out, good, others = cleaned(path)
    assert len(good) == 97
    assert [int(one[0]) for one in others] == [31, 41, 51]
    assert "2 lines cannot be read" in out
    assert "it has 3 and the other lines have 2" in " ".join(out.split())


def test_broken_lines_of_json_are_listed(cleaned, tmp_path):
    pairs = KOREAN_ENGLISH.pairs(100)
    lines = [json.dumps({"ko": p.source, "en": p.target}) for p in pairs]
    lines[3], lines[4], lines[5] = "{", '{"ko": "a"}', '{"ko": "a", "en": 3}'
    path = tmp_path / "p.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    _, good, others = cleaned(path)
    assert len(good) == 97
    assert [int(one[0]) for one in others] == [4, 5, 6]


# Options


def test_reasons_can_be_chosen(cleaned, tmp_path):
    pairs = KOREAN_ENGLISH.pairs(100)
    pairs += [pairs[0], pairs[1]._replace(target=f"{pairs[1].target} a")]
    path = write(tmp_path / "p.tsv", pairs)
    _, good, _ = cleaned(path, "--keep", "duplicate")
    assert len(good) == 102
    _, good, _ = cleaned(path, "--drop", "several", "--overwrite")
    assert len(good) == 99


def test_swapped_pairs_can_stay(cleaned, tmp_path):
    pairs = KOREAN_ENGLISH.pairs(300)
    pairs[7] = exchanged(pairs[7])
    _, good, others = cleaned(write(tmp_path / "p.tsv", pairs), "--keep", "swapped")
    assert good == texts(pairs)
    assert not others


def test_an_unknown_reason_is_refused(cli, tmp_path):
    path = write(tmp_path / "p.tsv", KOREAN_ENGLISH.pairs(30))
    said = cli("data", path, "--clean", tmp_path / "g.tsv", "--keep", "duplicates")
    assert "Did you mean `duplicate`?" in said.sentence
    assert "no effect without --clean" in cli("data", path, "--keep", "html").sentence


def test_nothing_is_overwritten_without_the_flag(cli, tmp_path):
    path = write(tmp_path / "p.tsv", KOREAN_ENGLISH.pairs(30))
    (tmp_path / "good.dropped.tsv").write_text("mine", encoding="utf-8")
    good = tmp_path / "good.tsv"
    assert "exists already" in cli("data", path, "--clean", good).sentence
    assert not good.exists()
    assert cli("data", path, "--clean", good, "--overwrite").code == 0
    said = cli("data", path, "--clean", path, "--overwrite")
    assert "must be different files" in said.sentence


def test_a_failure_leaves_no_file(cli, tmp_path):
    path = tmp_path / "p.tsv"
    path.write_text("a\tb\n" * 3 + "x\n" * 3, encoding="utf-8")
    assert cli("data", path, "--task", "translate", "--clean", tmp_path / "good.tsv").code == 2
    assert [one.name for one in tmp_path.iterdir()] == ["p.tsv"]


def test_validation_data_is_compared(cleaned, tmp_path):
    pairs = KOREAN_ENGLISH.pairs(300)
    dev = write(
        tmp_path / "dev.tsv", [pair._replace(source=f"{pair.source}!") for pair in pairs[:9]]
    )
    out, good, others = cleaned(write(tmp_path / "p.tsv", pairs), "--dev", dev)
    assert good == texts(pairs[9:])
    assert {one[2] for one in others} == {"nearly equal to a validation source"}
    assert "9 of 9 validation pairs are also in the training data" in " ".join(out.split())


def test_the_page_needs_nothing_beside_it(cli, tmp_path):
    pairs = KOREAN_ENGLISH.pairs(300)
    pairs[5] = pairs[5]._replace(target=f"<b>{pairs[5].target}</b>")
    path = write(tmp_path / "p.tsv", pairs)
    assert cli("data", path, "--html", tmp_path / "page.html").code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    for word in ("http", "src=", "href=", "url(", "@import"):
        assert word not in page
    assert page.count('<svg class="plot"') == 3
    assert "&lt;b&gt;" in page
    assert "HTML on one side only" in page
    assert "exists already" in cli("data", path, "--html", tmp_path / "page.html").sentence


@pytest.mark.parametrize("text", ["One.\n\nTwo\n", "good\tyes\nbad\tno\n" * 30])
def test_texts_have_a_page_too(cli, tmp_path, text):
    path = tmp_path / "t.txt"
    path.write_text(text, encoding="utf-8")
    assert cli("data", path, "--html", tmp_path / "page.html").code == 0
    assert (tmp_path / "page.html").read_text(encoding="utf-8").count('<svg class="plot"') == 2


def test_json_has_all_figures(cli, tmp_path):
    pairs = KOREAN_ENGLISH.pairs(300)
    pairs[5] = exchanged(pairs[5])
    found = json.loads(cli("data", write(tmp_path / "p.tsv", pairs), "--json").out)
    assert found["kind"] == "pairs"
    assert found["count"] == 300
    assert found["source"]["scripts"].keys() == {"Hangul", "Latin"}
    assert found["findings"]["swapped"]["count"] == 1
    assert found["strangest"][0]["reason"] == "swapped"


def test_standard_input_is_refused(cli, tmp_path):
    path = write(tmp_path / "p.tsv", KOREAN_ENGLISH.pairs(3))
    assert "cannot come from standard input" in cli("data", path, "--dev", "-").sentence


REAL = {
    "tatoeba-ko-en": ("ko", "en"), "tatoeba-de-en": ("de", "en"),
    "small-parallel-enja": ("en", "ja"), "multi30k": ("de", "en"), "stylekqc-ko-en": ("ko", "en"),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_corpora_have_hardly_any_faults(cli, name):
    if not (ALL / name).is_dir():
        pytest.skip("needs the corpora in the directory WHYFORMER_CORPORA")
    source, target = REAL[name]
    prefix = ALL / name / "train"
    said = cli("data", prefix, "--source", source, "--target", target, "--json")
    found = json.loads(said.out)
    counts = {reason: one["count"] for reason, one in found["findings"].items()}
    suspicious = sum(counts[one] for one in ("swapped", "script", "language", "length", "numbers"))
    assert suspicious <= 0.001 * found["count"]
