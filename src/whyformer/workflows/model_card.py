"""The model card: a README.md, generated from a run, that says what a model is and how good it is.

The card contains only facts that the run has recorded, and what the user adds (`CardFacts`). It
never contains the paths of the data, only the names of the files.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from whyformer.bundle import Outline, read_outline
from whyformer.evaluation.score import Score
from whyformer.evaluation.verdict import Standing, Verdict
from whyformer.foundation.config import read_yaml
from whyformer.foundation.model_files import RECIPE, RUN
from whyformer.foundation.wording import counted
from whyformer.models.bert import AnswerOf, BERTSettings
from whyformer.recipes.recipe import Builtin
from whyformer.training.journal import read_journal, read_timings
from whyformer.workflows.runs.run_file import read_run
from whyformer.workflows.verdict.verdict import read_verdict

LICENCES = {
    Builtin.CMUDICT: "the CMU Pronouncing Dictionary, under a BSD licence",
    Builtin.TOPICS: "the help topics of Python, under the PSF licence",
    Builtin.COPY: "random sequences, made by whyformer",
    Builtin.REVERSE: "random sequences, made by whyformer",
    Builtin.SORT: "random sequences, made by whyformer",
}
"""For each built-in data set, what it is, with its licence."""
CODE = {
    "translation": """from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{place}")
model = AutoModelForSeq2SeqLM.from_pretrained("{place}")
outputs = model.generate(**tokenizer(["…"], return_tensors="pt"))
print(tokenizer.batch_decode(outputs, skip_special_tokens=True))""",
    "text-generation": """from transformers import pipeline

generate = pipeline("text-generation", model="{place}")
print(generate("…", max_new_tokens=50))""",
    "fill-mask": """from transformers import pipeline

fill = pipeline("fill-mask", model="{place}")
print(fill("… <mask> …"))""",
    "text-classification": """from transformers import pipeline

classify = pipeline("text-classification", model="{place}")
print(classify("…"))""",
    "token-classification": """from transformers import pipeline

tag = pipeline("token-classification", model="{place}")
print(tag("…"))""",
}
"""For each task of the Hub, how to use a model with transformers."""
COMMANDS = {
    "translation": 'echo "A sentence." | whyformer translate model',
    "text-generation": 'whyformer generate model --prompt "The beginning"',
    "fill-mask": "whyformer train --task classify --start-from model --data texts.tsv",
    "text-classification": 'whyformer classify model --text "A text."',
    "token-classification": 'whyformer classify model --text "A sentence."',
}
"""For each task of the Hub, how to use an imported model with whyformer."""


@dataclass(frozen=True)
class CardFacts:
    """What the user adds to a model card, because the run does not know it.

    Args:
        name: title of the card.
        languages: codes such as de or ko.
        licence: the licence of the model, as the Hub names it, such as apache-2.0.
        data_licence: sentence about the origin and the licence of the data.
    """

    name: str
    languages: tuple[str, ...] = ()
    licence: str | None = None
    data_licence: str | None = None


def model_card(run: Path, given: CardFacts, place: str | None = None) -> str:
    """Return the model card of a run as Markdown, with the metadata that the Hub reads.

    Args: place: name of the repository, or directory, that the examples load; by default, the name
        of the model.
    Raises: BundleError, DataError if a file of the run is damaged.
    """
    outline = read_outline(run)
    recipe = _recipe(run)
    state = read_verdict(run) if (run / RECIPE).is_file() else None
    verdict = Verdict.from_json(state["verdict"]) if state else None
    task = hub_task(outline.settings)
    sections = {
        "How to use": _use(task, place or given.name),
        "Training data": _data(recipe, given),
        "Scores": _scores(outline, verdict),
        "Training": _training(run, outline, recipe),
        "Limits": _limits(outline, verdict),
    }
    header = yaml.safe_dump(
        _metadata(task, given, verdict), sort_keys=False, allow_unicode=True, width=100
    )
    lines = [f"---\n{header}---", f"# {given.name}", "\n".join(_summary(outline, recipe))]
    for title, content in sections.items():
        lines += [f"## {title}", "\n".join(content)]
    return "\n\n".join(lines) + "\n"


def hub_task(settings: Any) -> str:
    """Return the task of a model, as the Hub names it."""
    if not isinstance(settings, BERTSettings):
        of_text = settings.family in ("gpt", "rnn-lm")
        of_pairs = settings.family in ("transformer", "rnn")
        return "translation" if of_pairs else "text-generation" if of_text else "fill-mask"
    if not settings.outputs:
        return "fill-mask"
    of_tokens = settings.answer_of is AnswerOf.TOKENS
    return "token-classification" if of_tokens else "text-classification"


def _recipe(run: Path) -> Mapping[str, Any]:
    """Return the recipe of a run; an empty one for a model without its run. The recipe of an
    imported run is only a proposal for its fine-tuning."""
    return read_yaml(run / RECIPE)[0] if (run / RUN).is_file() else {}


def _metadata(task: str, given: CardFacts, verdict: Verdict | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if given.languages:
        found["language"] = list(given.languages)
    if given.licence:
        found["license"] = given.licence
    found |= {"library_name": "transformers", "pipeline_tag": task, "tags": ["whyformer"]}
    if verdict is not None:
        score = verdict.score
        metric = {"type": score.name, "name": score.name, "value": round(score.value, 4)}
        result = {
            "task": {"type": task},
            "dataset": {"name": "held-out part of the data", "type": "private"},
            "metrics": [metric],
        }
        found["model-index"] = [{"name": given.name, "results": [result]}]
    return found


def _summary(outline: Outline, recipe: Mapping[str, Any]) -> Iterator[str]:
    settings = outline.settings
    if description := recipe.get("description"):
        yield f"{description}"
    yield (
        f"A model of the family `{settings.family}` ({settings.summary}), trained with "
        "[whyformer](https://pypi.org/project/whyformer/)."
    )
    if start := recipe.get("start_from"):
        yield f"Its training started from the model `{Path(start).name}`."
    if labels := outline.facts.get("labels"):
        shown = ", ".join(f"`{label}`" for label in labels[:50])
        more = f" and {len(labels) - 50} more" if len(labels) > 50 else ""
        yield f"It predicts {counted(len(labels), 'label')}: {shown}{more}."


def _use(task: str, place: str) -> Iterator[str]:
    yield f"```python\n{CODE[task].format(place=place)}\n```"
    yield ""
    yield "With whyformer, from a copy of this directory:"
    yield ""
    yield f"```bash\nwhyformer import DIRECTORY --out model\n{COMMANDS[task]}\n```"


def _data(recipe: Mapping[str, Any], given: CardFacts) -> Iterator[str]:
    data = recipe.get("data", {})
    if builtin := data.get("builtin"):
        yield f"- Training: {LICENCES[Builtin(builtin)]}."
    for part, title in (("train", "Training"), ("dev", "Validation")):
        files = [f"`{Path(str(file)).name}`" for file in data.get(part) or ()]
        if files:
            yield f"- {title}: {', '.join(files)}."
    if data and not data.get("dev") and not data.get("builtin"):
        yield "- Validation: a part of the training data that was held out."
    licence = given.data_licence
    yield f"- Licence: {licence}" if licence else "- Licence: not stated."


def _scores(outline: Outline, verdict: Verdict | None) -> Iterator[str]:
    validation = outline.facts.get("validation") or {}
    if verdict is None:
        numbers = [f"{name} {value:.4g}" for name, value in validation.items() if name != "step"]
        if numbers:
            yield (
                f"On the validation set, which also selected the weights: {', '.join(numbers)}. "
                "There is no comparison with a baseline."
            )
        else:
            yield "This model was not evaluated."
        return
    yield "| | metric | value | 95 % interval | items |"
    yield "| --- | --- | --- | --- | --- |"
    yield _row("this model", verdict.score)
    if verdict.baseline is not None:
        yield _row(f"baseline: {verdict.method}", verdict.baseline)
    yield ""
    yield f"Unit: {verdict.score.unit}. An item is one held-out {verdict.items}."
    yield from verdict.notes
    yield ""
    yield f"Signature: `{verdict.score.signature}`"


def _row(name: str, score: Score) -> str:
    interval = "–" if score.interval is None else "{:.2f} to {:.2f}".format(*score.interval)
    return f"| {name} | {score.name} | {score.value:.2f} | {interval} | {score.n:,} |"


def _training(run: Path, outline: Outline, recipe: Mapping[str, Any]) -> Iterator[str]:
    about = read_run(run)
    if about is None:
        imported = outline.facts.get("imported")
        came = (
            f" It was imported from a model of type {imported['model_type']}." if imported else ""
        )
        yield f"There is no record of the training.{came}"
        return
    timings, journal = read_timings(run), read_journal(run)
    seconds = sum(line["seconds"] for line in timings)
    updates = max((line["step"] for line in journal), default=0)
    best = outline.facts.get("validation", {}).get("step")
    yield f"- Parameters: {about['parameters']:,}."
    tokens = counted(sum(line["tokens"] for line in timings), "target token")
    yield f"- Length: {counted(updates, 'update')} in {seconds / 60:.1f} minutes, {tokens}."
    if best is not None:
        yield f"- Weights: those of update {best:,}, which were the best on the validation set."
    yield f"- Software: whyformer {about['whyformer']}, PyTorch {about['torch']}."
    yield ""
    shown = {name: recipe[name] for name in ("task", "model", "text", "training") if name in recipe}
    settings = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)
    yield f"<details><summary>Settings</summary>\n\n```yaml\n{settings}```\n\n</details>"


def _limits(outline: Outline, verdict: Verdict | None) -> Iterator[str]:
    settings, facts = outline.settings, outline.facts
    longest = facts.get("row_tokens") or getattr(settings, "longest_source", None)
    if longest:
        yield f"- A text can have at most {counted(longest, 'token')}."
    if known := facts.get("longest_source"):
        yield f"- The longest source in training had {counted(known, 'token')}."
    if outline.source_tokenizer.lowercase:
        yield "- Text is converted to lower case, so that capital letters make no difference."
    if verdict is not None and verdict.standing in (Standing.EQUAL, Standing.WORSE):
        than = "worse than" if verdict.standing is Standing.WORSE else "not better than"
        yield f"- On the held-out data, this model is {than} a simple baseline ({verdict.method})."
    if verdict is not None:
        yield (
            "- The scores are for held-out items from the same source as the training data. On "
            "other texts, they can be lower."
        )
    yield "- The model was not tested for biased or harmful outputs."
