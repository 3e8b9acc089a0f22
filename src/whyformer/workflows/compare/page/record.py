"""The part of the page about the criterion, and about what was registered before the start."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from whyformer.charts.table import table
from whyformer.evaluation.comparison.wording import budget_in_words
from whyformer.foundation.bilingual import Language
from whyformer.workflows.compare.page.words import CHANGED, CRITERION_KO, WORDS, say
from whyformer.workflows.compare.registration import CRITERION


def is_registered(found: Mapping[str, Any]) -> bool:
    """Return whether nothing changed after the start. Args: found: see `page.Found`."""
    return not found["registration"]["changes"]


def said_of_registration(found: Mapping[str, Any], language: Language) -> str:
    """Return whether the comparison was registered, in one sentence. Args: see `is_registered`."""
    state = found["registration"]
    if is_registered(found):
        return WORDS["registered"].in_(language).format(time=_time(state["time"]))
    names = sorted({one["what"] for one in state["changes"]})
    what = ", ".join(CHANGED[name].in_(language) if name in CHANGED else name for name in names)
    return WORDS["not_registered"].in_(language).format(what=what, time=_time(state["time"]))


def registration(found: Mapping[str, Any], language: Language) -> str:
    """Return the registration as a list, with the arms and the later changes. Args: see above."""
    state = found["registration"]
    kept = state["registration"]
    rows = [
        ("criterion", escape(_criterion(kept["criterion"], language))),
        ("margin", f"{kept['margin']:g}"),
        ("budget", escape(budget_in_words(found["budget"]).in_(language))),
        ("seeds", ", ".join(map(str, kept["seeds"]))),
        ("stop_early", say("yes" if kept["stop_early"] else "no", language)),
        ("tuning", _tuning(found, language)),
        ("test", _test(kept["test"], language)),
        ("recipe", f"{escape(kept['recipe']['name'])} {_hash(kept['recipe']['sha256'])}"),
        ("code", f"whyformer {escape(kept['code']['whyformer'])} {_hash(kept['code']['sha256'])}"),
    ]
    if kept["plugins"]:
        names = ", ".join(
            f"{escape(str(one.get('name', one.get('source', ''))))}" for one in kept["plugins"]
        )
        rows.append(("plugins", names))
    if "sha256" in state:
        rows.append(("file", _hash(state["sha256"])))
    listed = "".join(f"<dt>{say(name, language)}</dt><dd>{html}</dd>" for name, html in rows)
    return (
        f"<p>{escape(said_of_registration(found, language))}</p><dl class=facts>{listed}</dl>"
        f"<h3>{say('arms', language)}</h3>{_arms(kept['arms'], language)}"
        f"{_changes(state['changes'], language)}"
    )


def _criterion(text: str, language: Language) -> str:
    korean = language is Language.KOREAN and text == CRITERION
    return CRITERION_KO if korean else text.replace("`", "")


def _tuning(found: Mapping[str, Any], language: Language) -> str:
    kept = found["registration"]["registration"]["tuning"]
    count = len(next(iter(found["trials"].values()), []))
    if not count:
        return say("no_tuning", language)
    seeds = ", ".join(map(str, kept["seeds"]))
    text = say("trials_of", language, count=count, seeds=seeds)
    return f"{text} ({escape(kept['search'])})" if kept.get("search") else text


def _test(kept: Mapping[str, str] | None, language: Language) -> str:
    if kept is None:
        return say("validation", language)
    return f"{escape(kept['name'])} {_hash(kept['sha256'])}"


def _arms(arms: Mapping[str, Any], language: Language) -> str:
    rows = ""
    for name, one in arms.items():
        settings = [f"{key} = {','.join(value)}" for key, value in one["settings"].items()]
        parts = [one["recipe"]] if one["recipe"] else []
        said = ", ".join([*parts, *settings]) or WORDS["as_recipe"].in_(language)
        rows += (
            f'<tr><th scope="row">{escape(name)}</th><td>{escape(said)}</td>'
            f"<td>{_hash(one['sha256'])}</td></tr>"
        )
    heads = _heads(("arm", "settings", "recipe_hash"), language)
    return table(heads, rows, name=WORDS["arms"].in_(language))


def _changes(changes: list[Mapping[str, Any]], language: Language) -> str:
    if not changes:
        return ""
    rows = ""
    for one in changes:
        what = CHANGED[one["what"]].in_(language) if one["what"] in CHANGED else one["what"]
        before = json.dumps(one["before"], ensure_ascii=False)
        rows += (
            f"<tr><td>{_time(one['time'])}</td><td>{escape(what)}</td>"
            f"<td><code>{escape(before)}</code></td></tr>"
        )
    head = _heads(("when", "what", "before"), language)
    made = table(head, rows, name=WORDS["changes"].in_(language))
    return f"<h3>{say('changes', language)}</h3>{made}"


def _heads(names: tuple[str, ...], language: Language) -> str:
    return "".join(f'<th scope="col">{say(name, language)}</th>' for name in names)


def _hash(digest: str) -> str:
    return f'<code title="{escape(digest)}">{escape(digest[:16])}…</code>' if digest else ""


def _time(text: str) -> str:
    """Return a time as the date, hours and minutes."""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
