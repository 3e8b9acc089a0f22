"""A comparison of `whyformer compare` becomes a question of the laboratory."""

import json
import re
from html import unescape
from pathlib import Path

import pytest

from made_up_comparison import made_up
from whyformer.cli.main import main
from whyformer.foundation.bilingual import Bilingual, Language
from whyformer.foundation.errors import DataError, UsageError
from whyformer.lab.method.comparison import experiment_of, results_of
from whyformer.lab.method.record import read_record
from whyformer.lab.method.verdict import Verdict
from whyformer.lab.pages.cards import SECTIONS, unknown_placeholders
from whyformer.lab.pages.comparison import comparison_page
from whyformer.lab.pages.site import write_report


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "wiring" / "comparison.json"
    path.parent.mkdir()
    path.write_text(json.dumps(made_up()), encoding="utf-8")
    return path


def text_of(path: Path) -> str:
    body = re.sub(r"<(style|script).*?</\1>", " ", path.read_text("utf-8"), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_the_verdicts_of_the_claims_are_those_of_the_comparison(higher_is_better):
    found = made_up()
    found["higher_is_better"] = higher_is_better
    results = results_of(found)
    judged = experiment_of(found, "wiring").judge(results)
    for place, one in enumerate(found["comparisons"].values(), start=1):
        better = judged[f"better_{place}"].verdict
        same = judged[f"same_{place}"].verdict
        low, high = one["interval"]
        if low <= 0 <= high:
            assert better is Verdict.INCONCLUSIVE
        else:
            good = (low > 0) is higher_is_better
            assert better is (Verdict.SUPPORTED if good else Verdict.REFUTED)
        inside, outside = low >= -2 and high <= 2, low > 2 or high < -2
        wanted = Verdict.SUPPORTED if inside else Verdict.REFUTED if outside else None
        assert same is (wanted or Verdict.INCONCLUSIVE)
    assert {one["verdict"] for one in found["comparisons"].values()} >= {"worse", "better"}


def test_an_effect_without_an_interval_leaves_every_claim_open():
    found = made_up()
    found["comparisons"]["post-norm"]["interval"] = [None, None]
    judged = experiment_of(found, "wiring").judge(results_of(found))
    assert {judged["better_1"].verdict, judged["same_1"].verdict} == {Verdict.INCONCLUSIVE}


def test_the_card_is_written_from_the_results_in_both_languages(file):
    page = comparison_page(file)
    for language in Language:
        card = page.cards[language]
        assert card is not None
        assert len(card.bodies) == len(SECTIONS)
        assert unknown_placeholders(card, page.experiment, page.facts) == []


def test_the_pages_of_the_laboratory_include_the_comparison(file, tmp_path):
    write_report(tmp_path / "lab", names=(), comparisons=[file])
    english, korean = (tmp_path / "lab" / f"wiring{end}.html" for end in ("", ".ko"))
    effect = made_up()["comparisons"]["post-norm"]["effect"]
    assert f"{effect:.1f}".replace("-", "−") in text_of(english)
    assert "`" not in text_of(korean).replace("`whyformer compare`", "")
    assert "whyformer compare copy --arm base --arm 'post-norm: model.wiring=post-norm'" in (
        text_of(english)
    )
    assert 'href="wiring.html"' in (tmp_path / "lab" / "index.html").read_text("utf-8")
    record = read_record(tmp_path / "lab" / "results" / "wiring.json")
    assert record.made["whyformer"] == "0.1.0"
    again = experiment_of(made_up(), "wiring").judge(record.results)
    assert again == comparison_page(file).facts.judgements


def test_a_text_beside_the_comparison_is_the_card(file):
    body = "".join(f"## {one.en}\nMine: {{effect_1}}.\n\n" for one in SECTIONS)
    (file.parent / "card.en.md").write_text(body, encoding="utf-8")
    page = comparison_page(file, name="mine", question=Bilingual("Why?", "왜?"))
    card = page.cards[Language.ENGLISH]
    assert card is not None
    assert card.summary == "Mine: {effect_1}."
    assert page.experiment.question.ko == "왜?"


@pytest.mark.parametrize("name", ["scaling", "index", "glossary", "changes", "method"])
def test_a_comparison_never_replaces_another_page(file, tmp_path, name):
    other = file.parent.rename(tmp_path / name) / file.name
    with pytest.raises(UsageError, match=f"cannot have the name `{name}`"):
        write_report(tmp_path / "lab", names=("scaling",), comparisons=[other])


def test_a_comparison_is_refused_twice_and_without_a_usable_name(file, tmp_path):
    with pytest.raises(UsageError, match="cannot have the name `wiring`"):
        write_report(tmp_path / "lab", names=(), comparisons=[file, file])
    other = file.parent.rename(tmp_path / "비교") / file.name
    with pytest.raises(UsageError, match="it is `비교`"):
        comparison_page(other)


def test_what_is_not_a_comparison_is_refused(file):
    for text in ("{}", "[]", '{"format": 2}', "no JSON"):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match="is not the result of a comparison"):
            comparison_page(file)


def test_the_command_says_where_the_pages_are(file, tmp_path, capsys):
    out = str(tmp_path / "lab")
    given = ["lab", "report", "--comparison", str(file), "--out", out, "--lang", "en", "--json"]
    assert main(given) == 0
    assert f"{out}/wiring.html" in json.loads(capsys.readouterr().out)["files"]
