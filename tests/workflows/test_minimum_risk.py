"""Minimum Bayes risk: by hand, and the same from the command line and Python."""

import json
from pathlib import Path

import pytest

from toy_runs import toy_run
from whyformer import load
from whyformer.cli.main import main
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.text_translator import Translation
from whyformer.foundation.errors import UsageError
from whyformer.workflows import minimum_risk
from whyformer.workflows.minimum_risk import MinimumBayesRisk


def answer(*texts: str) -> Translation:
    drawn = tuple(
        (text, Hypothesis((n,), -float(n), -float(n), True)) for n, text in enumerate(texts)
    )
    return Translation("source", texts[0], 0.0, drawn)


def test_expected_utility_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the share of equal letters at equal places as utility."""

    def equal(text: str, right: str) -> float:
        return sum(a == b for a, b in zip(text, right, strict=True)) / len(right)

    monkeypatch.setattr(minimum_risk, "UTILITIES", {"equal": lambda: equal})
    chooser = MinimumBayesRisk("equal")
    expected = chooser.expected(["ab", "ab", "ac", "dd"])
    assert expected == {"ab": (2 + 0.5) / 4, "ac": (1 + 1) / 4, "dd": 1 / 4}
    found = chooser.reordered(answer("dd", "ac", "ab", "ab"))
    assert [text for text, _ in found.hypotheses] == ["ab", "ac", "dd"]
    assert (found.text, found.score) == ("ab", -2.0)  # the first draw of this text


@pytest.mark.parametrize("utility", ["chrf", "bleu"])
def test_the_most_similar_sample_wins_and_a_frequent_one_counts_more(utility: str) -> None:
    chooser = MinimumBayesRisk(utility)
    near = ["the cat sat on the mat", "the cat sat on a mat", "the cat sits on the mat"]
    assert chooser.reordered(answer("a dog barks", *near)).text == near[0]
    assert chooser.reordered(answer(near[0], *["a dog barks"] * 5)).text == "a dog barks"
    assert chooser.reordered(answer("only one")).text == "only one"
    empty = Translation("", "", 0.0)
    assert chooser.reordered(empty) == empty


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_run(tmp_path_factory.mktemp("mbr") / "run")


def test_python_and_the_command_line_agree(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["a b c", "d e", ""]
    flags = [part for text in texts for part in ("--text", text)]
    sampled = ["--sample", "--nbest", "6", "--max-length", "5"]
    assert main(["translate", str(run), *flags, *sampled, "--mbr", "chrf"]) == 0
    printed = capsys.readouterr().out.splitlines()
    model = load(run)
    assert printed == model.translate(texts, mbr="chrf", nbest=6, max_length=5)
    assert main(["translate", str(run), *flags, *sampled, "--json"]) == 0
    for line, chosen in zip(capsys.readouterr().out.splitlines(), printed, strict=True):
        drawn = [one["text"] for one in json.loads(line)["hypotheses"]]
        assert not drawn or chosen == MinimumBayesRisk("chrf").reordered(answer(*drawn)).text
    assert len(model.translate(["a"], mbr="bleu", max_length=3)) == 1  # 16 samples


def test_wrong_requests_are_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flags, said in (
        (["--mbr", "chrf"], "needs --sample"),
        (["--sample", "--mbr", "chr"], "is not a utility. Did you mean `chrf`?"),
        (["--sample", "--nbest", "1", "--mbr", "chrf"], "or use --nbest 16."),
        (["--sample", "--mbr", "chrf", "--split-sentences"], "cannot be combined"),
    ):
        assert main(["translate", str(run), "--text", "a", *flags]) == 2
        assert said in capsys.readouterr().err
    with pytest.raises(UsageError, match="cannot be combined"):
        load(run).translate(["a"], mbr="chrf", split_sentences=True)
    with pytest.raises(UsageError, match="Set `method` to sample"):
        load(run).translate(["a"], mbr="chrf", method="beam")
    with pytest.raises(UsageError, match=r"`nbest`, is 1\. Set it to 16"):
        load(run).translate(["a"], mbr="chrf", method="sample", nbest=1)
