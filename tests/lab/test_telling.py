"""What the commands `ask` and `lab list` say of a question."""

import pytest

from made_up_scaling import made
from whyformer.cli.lab.ask import ask
from whyformer.cli.lab.lab import list_questions
from whyformer.foundation.bilingual import Language
from whyformer.foundation.errors import UsageError
from whyformer.lab.experiments.scaling import EXPERIMENT
from whyformer.lab.method.experiment import Mode
from whyformer.lab.method.questions import experiment_named, written
from whyformer.lab.method.record import Record, read_record, write_record
from whyformer.lab.pages.answers import answer, title
from whyformer.lab.pages.cards import Card

EN, KO = Language.ENGLISH, Language.KOREAN


@pytest.fixture
def records(tmp_path) -> dict[Mode, Record]:
    """Return the record of a made-up run in each mode."""
    found = {}
    for mode in Mode:
        write_record(tmp_path / f"{mode}.json", EXPERIMENT, made(mode), wall_seconds=1)
        found[mode] = read_record(tmp_path / f"{mode}.json")
    return found


def test_a_quick_run_is_marked_beside_the_question(records):
    quick = records[Mode.QUICK]
    assert title(EXPERIMENT, quick, EN) == f"{EXPERIMENT.question.en} (quick run)"
    assert title(EXPERIMENT, quick, KO) == f"{EXPERIMENT.question.ko} (빠른 실행)"
    assert answer(EXPERIMENT, quick, EN).splitlines()[0].endswith("(quick run)  (scaling)")


@pytest.mark.parametrize("language", list(Language))
def test_a_full_run_or_none_is_not_marked(records, language):
    for record in (records[Mode.FULL], None):
        assert title(EXPERIMENT, record, language) == EXPERIMENT.question.in_(language)


def test_the_list_marks_quick_runs(records, monkeypatch, capsys):
    only = {"scaling": records[Mode.QUICK], "positions": records[Mode.FULL]}
    monkeypatch.setattr("whyformer.lab.method.record.result_of", only.get)
    monkeypatch.setattr("whyformer.lab.method.questions.written", lambda: ["scaling", "heads"])
    assert list_questions() == 0
    assert capsys.readouterr().out.count("(quick run)") == 1


@pytest.mark.parametrize(("mode", "times"), [(Mode.QUICK, 1), (Mode.FULL, 0)])
def test_a_missing_number_is_a_dash_that_is_explained_once(records, monkeypatch, mode, times):
    card = Card("scaling", EN, ("Costs {gap_cosine} and {gap_cosine:value}.", *[""] * 6))
    monkeypatch.setattr("whyformer.lab.pages.answers.read_card", lambda *_: card)
    told = answer(EXPERIMENT, records[mode], EN)
    assert told.count("Costs — and —.") == times
    assert told.count("— not part of this run") == times


@pytest.mark.parametrize(
    ("asked", "language", "said"),
    [
        ("what is attention", EN, "The laboratory has no answer to that yet."),
        ("어텐션이 뭐예요", KO, "아직 그 질문에 대한 답이 없습니다."),
    ],
)
def test_who_asks_about_something_else_reads_what_can_be_asked(capsys, asked, language, said):
    with pytest.raises(UsageError, match=said):
        ask(asked)
    told = capsys.readouterr().err
    questions = [experiment_named(name).question.in_(language) for name in written()]
    assert 1 <= sum(question in told for question in questions) <= 3
    assert "whyformer lab list" in told
