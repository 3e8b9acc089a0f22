"""Sources that are unlike the training data are reported once a file, with their lines."""

import pytest

from toy_runs import toy_run
from whyformer.decoding.expected import Expected
from whyformer.recipes.recipe import resolve
from whyformer.tasks.pair_data import prepare
from whyformer.tasks.translation import expected_facts
from whyformer.text.tokenizer import train_tokenizer
from whyformer.workflows.source_checks import FAR_LONGER, SourceCheck

CHARS = train_tokenizer("chars", ["abc. D e"], vocabulary=300)
USUAL = Expected(longest_source=9, most_sentences=1)


def findings(*texts: str, expected: Expected = USUAL) -> list[str]:
    return SourceCheck(CHARS, expected).add_all(enumerate(texts, start=1)).findings()


def test_one_sentence_for_all_sources_of_a_kind():
    (found,) = findings("abc", "안녕", "HELLO", "abX", "")
    assert found == (
        "In 2 sources (lines 2, 3) most characters are unknown to the model. Do not rely on these "
        "answers."
    )
    many = findings(*["가나다"] * 1000)
    assert many[0].startswith("In 1,000 sources (lines 1, 2,")
    assert len(many) == 1
    assert len(many[0]) < 200


def test_sources_that_are_far_longer_than_any_in_training():
    bound = int(FAR_LONGER * 9) - 1  # and eos
    assert findings("a" * bound) == []
    (found,) = findings("a", "a" * (bound + 1))
    assert "1 source (line 2)" in found
    assert "the longest source in training (9)" in found


def test_sources_of_more_sentences_than_in_training():
    (found,) = findings("a.", "a a. Da. De.")
    assert "1 source (line 2)" in found
    assert "1 source (line 2) has more sentences than any source in training." in found
    assert "--split-sentences" in found
    (two,) = findings("a a. Da. De.", "a a. Da. De.")
    assert two.startswith("2 sources (lines 1, 2) have more sentences")
    assert findings("a a. Da.", expected=Expected(most_sentences=2)) == []


def test_sentences_that_are_translated_one_by_one_are_checked_one_by_one():
    check = SourceCheck(CHARS, USUAL)
    check.add(1, "aa aa. Da da.", ["aa aa.", "Da da."])
    assert check.findings() == []


def test_a_run_without_these_facts_reports_unknown_characters_only():
    assert findings("a. D. " * 100, expected=Expected()) == []
    assert len(findings("가", expected=Expected())) == 1


def test_findings_are_reported_once():
    check = SourceCheck(CHARS)
    check.add(1, "가")
    assert len(check.findings()) == 1
    assert check.findings() == []


@pytest.mark.parametrize(("several", "most"), [(0.0, 1), (0.5, 3)])
def test_a_run_remembers_how_long_its_sources_were(tmp_path, several, most):
    texts = [
        f"{n} cats run. Dogs sleep. Birds sing." if n < 300 * several else f"{n} cats run."
        for n in range(300)
    ]
    lines = [f"{one}\t{one}\n" for one in texts]
    (tmp_path / "pairs.tsv").write_text("".join(lines), encoding="utf-8")
    asked = {"data.train": [str(tmp_path / "pairs.tsv")], "text.units": "chars"}
    recipe = resolve("translate", asked).recipe
    data = prepare(recipe, tmp_path / "run")
    expected = Expected.from_facts(expected_facts(recipe, data))
    assert expected.most_sentences == most
    assert expected.longest_source == int(data.corpus.source_lengths.max())


def test_translate_score_and_evaluate_name_the_lines(tmp_path, capsys):
    from whyformer.cli.main import main

    run = toy_run(tmp_path / "run")
    (tmp_path / "in.txt").write_text("a b\n안녕하세요\nc\n여러분\n", encoding="utf-8")
    source = str(tmp_path / "in.txt")
    said = "In 2 sources (lines 2, 4) most characters are unknown to the model."
    assert main(["translate", str(run), "--input", source]) == 0
    assert capsys.readouterr().err.count(said) == 1
    assert main(["score", str(run), "--source", source, "--target", source]) == 0
    assert said in capsys.readouterr().err
    assert main(["evaluate", str(run), "--source", source, "--references", source]) == 0
    assert f"`{run}`: {said}" in capsys.readouterr().err
    (tmp_path / "pairs.tsv").write_text("a\tb\n여러분\tx\n여러분\ty\n", encoding="utf-8")
    assert main(["evaluate", str(run), "--pairs", str(tmp_path / "pairs.tsv")]) == 0
    assert "1 source (“여러분”)" in capsys.readouterr().err
