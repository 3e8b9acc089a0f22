"""The hash of a criterion: it changes with the criterion, and with nothing else."""

import json

import pytest

from made_up_scaling import made
from whyformer.lab.experiments.scaling import EXPERIMENT
from whyformer.lab.method.criterion import criterion_of, register
from whyformer.lab.method.experiment import Mode
from whyformer.lab.method.record import judge_again, read_record, write_record

CLAIMS = '''"""Claims."""
from a import above, Bilingual

TEXT = Bilingual("more than 0.5", "0.5 초과")


def tests(results):
    """See the claim."""
    return {"here": [above(results, 0.5)]}
'''


@pytest.fixture
def write(tmp_path):
    def write(text: str, name: str = "claims.py") -> str:
        (tmp_path / "question").mkdir(exist_ok=True)
        (tmp_path / "question" / name).write_text(text, encoding="utf-8")
        return criterion_of("question", tmp_path)

    return write


@pytest.mark.parametrize(
    ("old", "new"),
    [("results, 0.5)", "results, 0.6)"), ("above(", "below("), ("more than 0.5", "more than 0.6")],
)
def test_another_limit_test_or_text_is_another_criterion(write, old, new):
    assert write(CLAIMS) != write(CLAIMS.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("See the claim.", "Tests of the claim."),
        ("0.5 초과", "0.5보다 큼"),
        ("from a import above, Bilingual", "from b import Bilingual, above"),
        ("    return", "    # why\n    return"),
        ('{"here": [above(results, 0.5)]}', '{\n        "here": [above(results, 0.5)],\n    }'),
    ],
)
def test_layout_docstrings_imports_and_korean_do_not_change_the_criterion(write, old, new):
    assert old in CLAIMS
    assert write(CLAIMS) == write(CLAIMS.replace(old, new))


def test_the_note_on_a_change_is_no_part_of_the_criterion(write):
    claim = 'Claim("a", Bilingual("b", "c"))'
    assert write(claim) == write(claim[:-1] + ', changed_after_data=Bilingual("b", "c"))')


TEXTS = """[claims.a]
popular = ["A", "가"]
precise = ["B", "나"]
criterion = ["more than 0.5", "0.5 초과"]

[names]
x = "y"
"""


def test_the_english_texts_in_a_file_belong_to_the_criterion(write):
    first = write(TEXTS, "texts.toml")
    assert (
        write(TEXTS.replace("0.5 초과", "0.5보다 큼").replace('"y"', '"z"'), "texts.toml") == first
    )
    assert write(TEXTS.replace("than 0.5", "than 0.6"), "texts.toml") != first


def test_figures_are_no_part_of_the_criterion(write):
    assert write(CLAIMS) == write("x = 1", "figures.py")
    assert write(CLAIMS) != write("x = 1", "effects.py")


def test_a_run_that_resumes_keeps_its_first_criterion(tmp_path):
    first = register("scaling", tmp_path)
    assert first["criterion"] == criterion_of("scaling")
    (tmp_path / "criterion.json").write_text(json.dumps({**first, "criterion": "older"}))
    assert register("scaling", tmp_path)["criterion"] == "older"


def test_a_record_has_the_registered_criterion_and_the_criterion_at_the_end(tmp_path):
    path, registered = tmp_path / "scaling.json", register("scaling", tmp_path)
    write_record(path, EXPERIMENT, made(Mode.QUICK), wall_seconds=1, registered=registered)
    found = read_record(path).made
    assert found["registered"] == registered
    assert found["criterion"] == registered["criterion"]


def test_a_refreshed_record_has_the_verdicts_of_its_cells(tmp_path):
    path = tmp_path / "scaling.json"
    write_record(path, EXPERIMENT, made(Mode.QUICK), wall_seconds=1)
    judge_again(path, EXPERIMENT)
    right = path.read_text(encoding="utf-8")
    wrong = right.replace('"verdict": "not supported"', '"verdict": "refuted"')
    assert wrong != right
    path.write_text(wrong, encoding="utf-8")
    judge_again(path, EXPERIMENT)
    assert path.read_text(encoding="utf-8") == right
