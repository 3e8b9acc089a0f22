"""The texts of a question in both languages, from the file `texts.toml` beside its experiment.

A text is a list of two strings, English and Korean. A single string, such as a symbol, is the same
in both languages.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from whyformer.foundation.bilingual import Bilingual, alike
from whyformer.lab.method.charts import Axis, Chart, Formula, HeatMap, Series, Table
from whyformer.lab.method.experiment import Brief, Claim, Results, Shown
from whyformer.lab.method.statistics import Estimate
from whyformer.lab.method.verdict import Test

EXPERIMENTS = Path(__file__).parents[1] / "experiments"

Tests = Callable[[Results], Mapping[str, Sequence[Test]]]
"""Function that returns the tests of a claim; see `Claim`."""


class Texts:
    """The texts of one question.

    Args: content: the values of `texts.toml`: `question`, `answer`, `practice`, `figure`,
        `keywords`, and the tables `claims`, `figures` and `names`.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.question = _bilingual(content["question"])
        self.brief = Brief(
            _bilingual(content["answer"]), _bilingual(content["practice"]), content["figure"]
        )
        self.keywords: tuple[str, ...] = tuple(content["keywords"])
        self.names = {name: _bilingual(value) for name, value in content["names"].items()}
        self._claims: Mapping[str, Mapping[str, Any]] = content["claims"]
        self._figures: Mapping[str, Mapping[str, Any]] = content["figures"]

    def claims(self, tests: Mapping[str, Tests]) -> tuple[Claim, ...]:
        """Return the claims in the order of the file. Args: tests: the tests of each claim.

        Raises: ValueError when a claim has no tests, or tests have no claim.
        """
        if tests.keys() != self._claims.keys():
            odd = sorted(tests.keys() ^ self._claims.keys())
            raise ValueError(f"each claim needs both texts and tests: {', '.join(odd)}")
        return tuple(
            Claim(
                name=name,
                tests=tests[name],
                shown=_shown(texts.get("shown", {})),
                **{kind: _bilingual(v) for kind, v in texts.items() if kind != "shown"},
            )
            for name, texts in self._claims.items()
        )

    def chart(
        self,
        name: str,
        series: Sequence[Series],
        *,
        log: str = "",
        x: Axis | None = None,
        y: Axis | None = None,
        text: str = "",
        part: Bilingual | None = None,
    ) -> Chart:
        """Return a chart with the title, the axes and the caption of the file.

        Args:
            log: the letters of the axes that are logarithmic, such as "xy".
            x, y: axes to use instead of the axes of the file.
            text: name of the texts, if several charts share them; the default is ``name``.
            part: text that replaces `{part}` in the title.
        """
        said = self._figures[text or name]
        title = _bilingual(said["title"])
        if part is not None:
            title = Bilingual(*(
                whole.replace("{part}", one)
                for whole, one in ((title.en, part.en), (title.ko, part.ko))
            ))  # fmt: skip
        return Chart(
            name,
            title,
            x or Axis(_bilingual(said["x"]), log="x" in log),
            y or Axis(_bilingual(said["y"]), log="y" in log),
            series,
            _bilingual(said["caption"]),
        )

    def table(
        self, name: str, rows: Sequence[Sequence[Bilingual | Formula | Estimate | None]]
    ) -> Table:
        """Return a table with the title, the columns and the caption of the file."""
        said = self._figures[name]
        columns = [_bilingual(column) for column in said["columns"]]
        return Table(name, _bilingual(said["title"]), columns, rows, _bilingual(said["caption"]))

    def heat_map(
        self,
        name: str,
        rows: Sequence[Bilingual],
        columns: Sequence[str],
        values: Sequence[Sequence[float]],
    ) -> HeatMap:
        """Return a heat map with the title and the caption of the file."""
        said = self._figures[name]
        title, caption = _bilingual(said["title"]), _bilingual(said["caption"])
        return HeatMap(name, title, rows, columns, values, caption)


@cache
def texts_of(name: str) -> Texts:
    """Return the texts of a question."""
    path = EXPERIMENTS / name / "texts.toml"
    return Texts(tomllib.loads(path.read_text(encoding="utf-8")))


def _shown(content: Mapping[str, Any]) -> Shown:
    label = content.get("label")
    return Shown(
        None if label is None else _bilingual(label),
        content.get("test", ""),
        tuple(content.get("places", ())),
    )


def _bilingual(value: str | list[str]) -> Bilingual:
    return alike(value) if isinstance(value, str) else Bilingual(*value)
