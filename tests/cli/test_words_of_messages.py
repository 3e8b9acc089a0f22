"""Messages name what was typed, count correctly, and hold no words of Python."""

import json

import pytest

from whyformer.foundation.errors import UsageError
from whyformer.foundation.parsing import NotJSONError, parse_json, read_json, reason_of
from whyformer.foundation.wording import counted
from whyformer.workflows.search_settings import search_settings


def test_a_recipe_without_a_full_variant_is_named_as_it_was_typed(cli):
    said = cli("config", "show", "translate", "--full").sentence
    assert said.startswith("The recipe `translate` has no full variant. Leave --full out")
    assert "translate-full" not in said
    assert cli("config", "show", "pronounce", "--full").code == 0


@pytest.mark.parametrize("flag", ["source", "data.source"])
def test_a_setting_without_effect_is_named_as_it_was_typed(cli, tmp_path, flag):
    (tmp_path / "a.tsv").write_text("a\tb\n", encoding="utf-8")
    asked = ("config", "show", "translate", "--data", tmp_path / "a.tsv", f"--{flag}", "en")
    assert cli(*asked).sentence.startswith(f"`--{flag}` has no effect here")


def test_groups_have_no_effect_with_sampling(cli, run):
    said = cli("translate", run, "--sample", "--groups", 3, "--text", "a").sentence
    assert said.startswith("`--groups` has no effect here: it is read by beam search only")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--top-k 3", "`--top-k` has no effect here"),
        ("--beam 4 --nbest 6", "`--nbest` must not exceed `--beam`, but 6 is more than 4"),
        ("--beam 4 --groups 3", "`--groups` must divide `--beam`"),
        ("--min-length 5 --max-length 3", "Lower `--min-length` or raise `--max-length`."),
        ("--max-length 100000", "`--max-length` must be at most 1,024 (`model.max_length` of"),
        ("--nbest 5000", "`--nbest` must be at most 1,000 for a beam search, but it is 5,000"),
        ("--prefix abcdefgh", "Raise `--max-length` or `max_length_extra`"),  # no flag for this
    ],
)
def test_settings_of_a_search_are_named_as_they_are_typed(cli, run, given, said):
    assert said in cli("translate", run, "--text", "a", *given.split()).sentence


def test_what_is_no_flag_of_the_command_keeps_its_name(cli, run, tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"source": "a", "target": "b"}\n{"source": "a"}\n', encoding="utf-8"
    )
    assert "`target`" in cli("evaluate", run, "--pairs", tmp_path / "a.jsonl").err
    with pytest.raises(UsageError, match=r"^`beam` has no effect here"):
        search_settings({}, {"method": "sample", "beam": 3})


def test_numbers_agree_with_their_nouns():
    assert [counted(n, "text") for n in (0, 1, 2, 1.0, 0.5)] == [
        "0 texts", "1 text", "2 texts", "1 text", "0.5 texts",
    ]  # fmt: skip
    assert counted(2, "full pass", "full passes") == "2 full passes"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("{\n nothing", "it is not JSON (line 2, column 2)"),
    ],
)
def test_what_is_not_json_is_said_in_plain_words(tmp_path, content, said):
    (tmp_path / "a.json").write_text(content, encoding="utf-8")
    with pytest.raises(NotJSONError) as failure:
        read_json(tmp_path / "a.json")
    assert str(failure.value) == said


@pytest.mark.parametrize("name", ["config.json", "source.json"])
@pytest.mark.parametrize(
    "content", ["", "{", "{}", "[]", "null", '{"format": 1, "units": "chars"}']
)
def test_damaged_files_are_described_without_words_of_python(cli, own_run, name, content):
    (own_run / "model" / name).write_text(content, encoding="utf-8")
    for argv in (("translate", own_run, "--text", "a"), ("doctor", own_run, "--reseal")):
        said = cli(*argv).sentence
        for word in ("Error", "None", "True", "NoneType", "char 0", "object", "subscript"):
            assert word not in said


def test_reasons_are_plain():
    with pytest.raises(KeyError) as failure:
        json.loads("{}")["units"]
    assert reason_of(failure.value) == "`units` is missing"
    assert reason_of(IsADirectoryError(21, "Is a directory", "x")) == "is a directory"
    with pytest.raises(UnicodeDecodeError) as wrong:
        b"a\xff".decode()
    assert reason_of(wrong.value) == "byte 2 is not UTF-8"
    with pytest.raises(ValueError, match="given twice"):
        parse_json('{"a": 1, "a": 2}')


def test_few_questions_are_shown_when_none_answers(cli):
    shown = cli("ask", "xyzzy").err.splitlines()
    assert sum(line.startswith("  ") for line in shown) == 3
