"""The page of a comparison in the laboratory, with a card that is written from its results."""

import re
from pathlib import Path

from whyformer.evaluation.comparison.wording import budget_in_words
from whyformer.foundation.bilingual import Bilingual, Language
from whyformer.foundation.errors import UsageError
from whyformer.lab.method.comparison import (
    Found,
    command_of,
    experiment_of,
    made_of,
    read_comparison,
    results_of,
)
from whyformer.lab.method.experiment import Experiment, Results
from whyformer.lab.method.record import Record, config_of
from whyformer.lab.pages.cards import Card, facts_of, read_card
from whyformer.lab.pages.page import Page


def comparison_page(
    path: Path, *, name: str | None = None, question: Bilingual | None = None
) -> Page:
    """Return the page of a comparison.

    If ``card.en.md`` and ``card.ko.md`` are beside the file, they are the text of the page.
    Otherwise, the text is written from the results.
    Args:
        path: the file ``comparison.json``.
        name: name of the page's file; None means the name of the directory.
        question: see `experiment_of`.
    Raises: DataError if the file is not a comparison; UsageError for a directory without a usable
        name.
    """
    found = read_comparison(path)
    name = name or re.sub(r"[^a-z0-9_-]+", "-", path.resolve().parent.name.lower())
    if not name.strip("-"):
        raise UsageError(
            "The name of a comparison is that of its directory, which must contain a letter from a "
            f"to z or a digit, but it is `{path.resolve().parent.name}`. Rename the directory."
        )
    experiment, results = experiment_of(found, name, question), results_of(found)
    cards = {one: _card(found, experiment, path, one) for one in Language}
    record = record_of(experiment, results, found)
    return Page(experiment, record, facts_of(experiment, results), cards)


def record_of(experiment: Experiment, results: Results, found: Found) -> Record:
    """Return the record of a comparison, as `whyformer lab run` would write it."""
    grid = ((cell.part, cell.settings, cell.seed) for cell in results.cells)
    seconds = sum(cell.seconds for cell in results.cells)
    made = {**made_of(found), "cell_seconds": round(seconds, 1)}
    config = config_of(experiment, grid)
    return Record(experiment.name, experiment.revision, config, results, made)


def _card(found: Found, experiment: Experiment, path: Path, language: Language) -> Card:
    directory = path.resolve().parent
    written = read_card(directory.name, language, directory.parent)
    return written or Card(experiment.name, language, _bodies(found, experiment, language))


def _bodies(found: Found, experiment: Experiment, language: Language) -> tuple[str, ...]:
    arms = list(found["comparisons"])
    claims = "\n".join(f"- {_plain(one.popular.in_(language))}" for one in experiment.claims)
    short = "\n".join(
        TEXTS["short"]
        .in_(language)
        .format(arm=_code(arm), base=_code(found["base"]), metric=found["metric"], place=place)
        for place, arm in enumerate(arms, start=1)
    )
    kept = found["registration"]
    registered = TEXTS["changed" if kept["changes"] else "registered"].in_(language)
    measured = TEXTS["measured"].in_(language)
    measured = measured.format(
        recipe=_code(found["recipe"]),
        seeds=len(found["scores"][found["base"]]),
        trials=len(next(iter(found["trials"].values()), [])),
        budget=budget_in_words(found["budget"]).in_(language),
    )
    return (
        short,
        claims,
        TEXTS["derivation"].in_(language),
        f"{measured} {registered}",
        TEXTS["refuted"].in_(language).format(margin=f"{found['margin']:g}"),
        f"{TEXTS['change'].in_(language)}\n\n```sh\n{command_of(found)}\n```",
        TEXTS["literature"].in_(language),
    )


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _plain(text: str) -> str:
    """Return a text without a special meaning in Markdown and in cards."""
    return re.sub(r"([\\`*_{}\[\]<>$#|])", r"\\\1", text).replace("\\{", "(").replace("\\}", ")")


TEXTS: dict[str, Bilingual] = {
    "short": Bilingual(
        "- {arm} against {base}: the difference in {metric} is {{effect_{place}}}. Better: "
        "{{verdict:better_{place}}}. No difference that matters: {{verdict:same_{place}}}.",
        "- {base} 대 {arm}: {metric} 값의 차이는 {{effect_{place}}}입니다. 더 낫다: "
        "{{verdict:better_{place}}}. 의미 있는 차이가 없다: {{verdict:same_{place}}}.",
    ),
    "derivation": Bilingual(
        "This question was answered by a measurement only.", "이 질문에는 측정으로만 답했습니다."
    ),
    "measured": Bilingual(
        "Recipe {recipe}, {seeds} seeds, {budget}, {trials} trials of tuning for each arm. All "
        "arms were trained with the same seeds and the same budget.",
        "레시피 {recipe}, 시드 {seeds}개, 비교군마다 하이퍼파라미터 조정 {trials}회({budget}). 모든 비교군을 같은 "
        "시드와 같은 예산으로 학습시켰습니다.",
    ),
    "registered": Bilingual(
        "The criterion was registered before the first update.",
        "판정 기준은 첫 업데이트 전에 등록했습니다.",
    ),
    "changed": Bilingual(
        "**Not pre-registered:** something changed after the start.",
        "**사전 등록이 아닙니다.** 시작한 뒤에 바뀐 것이 있습니다.",
    ),
    "refuted": Bilingual(
        "An interval on the other side of 0 refutes that an arm is better. An interval outside "
        "±{margin} refutes that there is no difference that matters. Every other interval leaves "
        "the claim open.",
        "구간이 0의 반대쪽에 있으면 ‘더 낫다’는 주장이 반박됩니다. 구간이 ±{margin} 밖에 있으면 ‘의미 있는 "
        "차이가 없다’는 주장이 반박됩니다. 그 밖의 구간으로는 판단할 수 없습니다.",
    ),
    "change": Bilingual(
        "The command, without the data and the settings of all arms:",
        "명령은 다음과 같습니다(데이터와 공통 설정은 제외):",
    ),
    "literature": Bilingual(
        "The page “The statistics of a comparison” of the documentation names the sources of the "
        "method.",
        "방법의 출처는 문서의 ‘The statistics of a comparison’ 페이지에 있습니다.",
    ),
}
