"""The text of a page: Markdown with formulas, and a placeholder for each measured number.

`{number}` stands for a number of the experiment with its interval, `{number:value}` for the number
alone, and `{verdict:claim}` for the verdict on a claim. The author may write digits only in
formulas, in code and in lines that cite literature (these lines begin with `> `).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from whyformer.foundation.bilingual import Bilingual, Language
from whyformer.foundation.errors import DataError, MissingExtraError
from whyformer.lab.method.bilingual import VERDICTS
from whyformer.lab.method.experiment import Experiment, Results
from whyformer.lab.method.statistics import Estimate, Spread
from whyformer.lab.method.verdict import Judgement
from whyformer.lab.pages.numbers import format_estimate
from whyformer.lab.pages.wording import WORDS

CARDS = Path(__file__).parents[1] / "experiments"
SECTIONS = (
    Bilingual("The answer in numbers", "숫자로 본 답"),
    Bilingual("What is usually said, and what can be tested", "흔히 하는 말과 검증할 수 있는 말"),
    Bilingual("Derivation", "유도"),
    Bilingual("What was measured", "무엇을 재었나"),
    Bilingual("What would have refuted it", "무엇이 나왔다면 반박되었을까"),
    Bilingual("Change one thing", "하나만 바꿔 보기"),
    Bilingual("Literature", "문헌"),
)
PIECES = re.compile(
    r"(?P<fence>^```.*?^```$)|(?P<code>`[^`\n]+`)|(?P<display>\$\$.+?\$\$)"
    r"|(?P<formula>\$[^$\n]+\$)|(?P<placeholder>\{[^{}\n]+\})|(?P<cited>^> .*$)",
    re.MULTILINE | re.DOTALL,
)
TEX_WORDS = {"cdot": "·", "times": "×", "le": "≤", "ge": "≥", "approx": "≈", "sim": "∼", "pm": "±",
             "infty": "∞", "alpha": "α", "beta": "β", "gamma": "γ", "varepsilon": "ε",
             "epsilon": "ε", "lambda": "λ", "sigma": "σ", "omega": "ω", "theta": "θ", "pi": "π",
             "log": "log", "ln": "ln", "to": "→", "top": "ᵀ", "sum": "Σ", "quad": " "}  # fmt: skip


ABSENT = "—"
"""This sign replaces a number that was not measured. Words would break the sentence."""


@dataclass(frozen=True)
class Card:
    """The seven sections of a question in one language; bodies are Markdown."""

    name: str
    language: Language
    bodies: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.bodies) != len(SECTIONS):
            raise ValueError(f"a card must have {len(SECTIONS)} sections, not {len(self.bodies)}")

    @property
    def summary(self) -> str:
        """The section `The answer in numbers`, which summarizes the card."""
        return self.bodies[0]


@dataclass(frozen=True)
class Facts:
    """The numbers and verdicts that replace the placeholders of a card."""

    numbers: Mapping[str, Estimate]
    judgements: Mapping[str, Judgement]
    measured: bool = True


def facts_of(experiment: Experiment, results: Results | None) -> Facts:
    """Return the numbers and verdicts of a question."""
    if results is None:
        return Facts({}, {}, measured=False)
    return Facts(experiment.numbers(results), experiment.judge(results))


def read_card(name: str, language: Language, directory: Path = CARDS) -> Card | None:
    """Return the card of a question; None if the card is not written yet.

    Raises: DataError when the headings of the card are not the seven headings of `SECTIONS`, in
        order.
    """
    path = directory / name / f"card.{language}.md"
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    found, wanted = [h.strip() for h in parts[1::2]], [s.in_(language) for s in SECTIONS]
    if found != wanted or parts[0].strip():
        raise DataError(
            f"`{path}` must begin with `## {wanted[0]}` and have the sections "
            f"{', '.join(wanted)}; it has {', '.join(found) or 'none'}."
        )
    return Card(name, language, tuple(body.strip() for body in parts[2::2]))


def placeholders(card: Card) -> list[str]:
    """Return the placeholders of a card in order, without their braces."""
    return [
        match.group()[1:-1]
        for body in card.bodies
        for match in PIECES.finditer(body)
        if match.lastgroup == "placeholder"
    ]


def unknown_placeholders(card: Card, experiment: Experiment, facts: Facts) -> list[str]:
    """Return the placeholders that are not the name of a number or claim of the experiment."""
    claims = {claim.name for claim in experiment.claims}
    wrong = []
    for one in placeholders(card):
        name, _, rest = one.partition(":")
        known = rest in claims if name == "verdict" else name in facts.numbers
        if not known or (name != "verdict" and rest not in ("", "value")):
            wrong.append(one)
    return wrong


def all_measured(body: str, facts: Facts) -> bool:
    """Return whether there is a number or verdict for every placeholder of a text."""
    found = (m.group()[1:-1] for m in PIECES.finditer(body) if m.lastgroup == "placeholder")
    return all(_plain_fact(one, facts, Language.ENGLISH) != ABSENT for one in found)


def typed_numbers(card: Card) -> list[str]:
    """Return the digits that the author wrote where only placeholders are allowed, each with the
    words around it."""
    found = []
    for body in card.bodies:
        bare = PIECES.sub(" ", body)
        found += [match.group().strip() for match in re.finditer(r".{0,24}\d.{0,24}", bare)]
    return found


def in_text(body: str, facts: Facts, language: Language) -> str:
    """Return Markdown as plain text for a terminal."""

    def piece(match: re.Match[str]) -> str:
        text = match.group()
        if match.lastgroup == "placeholder":
            return _plain_fact(text[1:-1], facts, language)
        if match.lastgroup in ("display", "formula"):
            return tex_in_text(text.strip("$"))
        return text.strip("`") if match.lastgroup == "code" else text

    return re.sub(r"\*\*?(\S.*?\S|\S)\*\*?", r"\1", PIECES.sub(piece, body))


def in_html(body: str, facts: Facts, language: Language) -> str:
    """Return Markdown as HTML: formulas as MathML, placeholders as marked numbers.

    Raises: MissingExtraError without the packages of the extra `lab`.
    """
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise MissingExtraError("markdown-it-py", "lab") from None
    kept: list[str] = []

    def piece(match: re.Match[str]) -> str:
        text = match.group()
        kind = match.lastgroup
        if kind == "cited":
            return "> " + PIECES.sub(piece, text[2:])
        if kind == "placeholder":
            made = _html_fact(text[1:-1], facts, language)
        elif kind == "display":
            made = f'<span class="equation">{mathml(text.strip("$"), block=True)}</span>'
        elif kind == "formula":
            made = mathml(text.strip("$"))
        else:
            return text
        kept.append(made)
        return f"\ue000{len(kept) - 1}\ue001"

    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(PIECES.sub(piece, body))
    html = re.sub("\ue000(\\d+)\ue001", lambda m: kept[int(m.group(1))], html)
    html = re.sub(r'(\(<b class="verdict[^<]*</b>\)[.,]?)', r'<span class="whole">\1</span>', html)
    return html.replace("<table>", '<div class="wide"><table>').replace(
        "</table>", "</table></div>"
    )


def mathml(tex: str, *, block: bool = False) -> str:
    """Return TeX as MathML. Raises: MissingExtraError without the package of the extra `lab`."""
    try:
        from latex2mathml.converter import convert
    except ImportError:
        raise MissingExtraError("latex2mathml", "lab") from None
    made = convert(tex.strip(), display="block" if block else "inline")
    # Make \mathrm{softmax} one word; otherwise it would be seven separate variables.
    letter = '<mi mathvariant="normal">[^<&]</mi>'
    made = re.sub(
        f"{letter}(?:{letter})+",
        lambda m: "<mi>" + "".join(re.findall(">([^<])</mi>", m.group())) + "</mi>",
        made,
    )
    # Keep a space after an operator: ln n must not become lnn.
    operator = r'<mo lspace="0.17em" rspace="0.17em">\2</mo>'
    made = re.sub(r"<m([io])>(ln|log|exp|max|min|sin|cos|tanh|lim)</m\1>", operator, made)
    return made.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")


def tex_in_text(tex: str) -> str:
    """Return a short TeX formula as plain text for a terminal.

    >>> tex_in_text(r"1/\\sqrt{d_k} \\cdot x")
    '1/√d_k · x'
    >>> tex_in_text(r"\\sqrt{d_{\\mathrm{model}}} / \\sqrt{2d}")
    '√d_model / √(2d)'
    """
    text = re.sub(r"\\(?:mathrm|text|operatorname|mathbf)\{([^{}]+)\}", r"\1", tex)
    text = re.sub(r"_\{([^{}]+)\}", r"_\1", text)
    text = re.sub(r"\\sqrt\{([A-Za-z]_\w+|\w)\}", r"√\1", text)
    text = re.sub(r"\\sqrt\{([^{}]+)\}", r"√(\1)", text)
    text = re.sub(r"\\t?frac\{([^{}]+)\}\{([^{}]+)\}", r"(\1)/(\2)", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda m: TEX_WORDS.get(m.group(1), m.group(1)), text)
    return text.replace("{", "").replace("}", "").replace("\\", "").strip()


def html_estimate(e: Estimate, language: Language, *, alone: bool = False) -> str:
    """Return a measured number as HTML with its interval. A tooltip tells how the interval was
    computed."""
    if not e.seeds:
        return f'<span class="absent">{escape(WORDS["not_in_this_run"].in_(language))}</span>'
    made = format_estimate(e)
    how = spread_in_words(e, language)
    interval = "" if alone or not made.interval else f" <small>{escape(made.interval)}</small>"
    return (
        f'<data value="{e.value:.6g}" title="{escape(how)}">{escape(made.value)}{interval}</data>'
    )


def spread_in_words(e: Estimate, language: Language) -> str:
    """Return a text that explains what the two ends of an estimate mean."""
    kinds = {
        Spread.STUDENT: "student",
        Spread.ORDER: "order",
        Spread.RANGE: "range" if e.seeds > 1 else "one_seed",
        Spread.BINOMIAL: "binomial",
        Spread.COMPARED: "compared",
        Spread.EXACT: "exact",
    }
    return WORDS[kinds[e.spread]].in_(language).format(seeds=e.seeds)


def _plain_fact(name: str, facts: Facts, language: Language) -> str:
    kind, _, rest = name.partition(":")
    if kind == "verdict" and rest in facts.judgements:
        return VERDICTS[facts.judgements[rest].verdict].in_(language)
    if kind in facts.numbers and facts.numbers[kind].seeds:
        made = format_estimate(facts.numbers[kind])
        return made.value if rest == "value" else str(made)
    return ABSENT


def _html_fact(name: str, facts: Facts, language: Language) -> str:
    kind, _, rest = name.partition(":")
    if kind == "verdict" and rest in facts.judgements:
        return badge(facts.judgements[rest], language)
    if kind in facts.numbers and facts.numbers[kind].seeds:
        return html_estimate(facts.numbers[kind], language, alone=rest == "value")
    why = WORDS["not_in_this_run" if facts.measured else "not_yet"].in_(language)
    return f'<span class="absent" title="{escape(why)}">{ABSENT}</span>'


def badge(judgement: Judgement, language: Language) -> str:
    """Return a verdict as an HTML label in the colour of the verdict."""
    verdict = judgement.verdict
    kind = verdict.name.lower()
    return f'<b class="verdict {kind}">{escape(VERDICTS[verdict].in_(language))}</b>'
