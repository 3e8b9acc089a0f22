"""The comparisons on real tasks of the laboratory are commands that `whyformer compare` takes."""

import pytest

from whyformer.lab.method.real_tasks import real_comparisons
from whyformer.workflows.compare import compare as compare_module


@pytest.mark.parametrize("name", real_comparisons())
def test_its_arguments_are_those_of_the_command(name, cli, monkeypatch, tmp_path):
    asked = []

    def record(design, *_args, **_named):
        asked.append(design)
        raise StopIteration

    monkeypatch.setattr(compare_module, "compare", record)
    (tmp_path / "test.tsv").write_text("word\tW ER D\n", encoding="utf-8")
    one = real_comparisons()[name]
    with pytest.raises(StopIteration):
        cli(*one.arguments(), "--test", tmp_path / "test.tsv", "--out", tmp_path / "out")
    [design] = asked
    assert [arm.name for arm in design.arms] == list(one.arms)
    assert (design.seeds, design.margin, design.budget.amount) == (5, 0.5, 600)
