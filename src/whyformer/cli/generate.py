"""``whyformer generate``: a prompt in, what may follow it out."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from whyformer.cli.shared.options import Flag, within

EXAMPLES = """Examples:

  whyformer generate runs/gpt --prompt "The with statement"
  whyformer generate runs/gpt --prompt "The" --tokens 50 --nbest 3 --seed 7
  whyformer generate runs/gpt --prompt "The" --beam 5
  whyformer generate runs/gpt --input prompts.txt --json

Each continuation is printed after its prompt; an empty line stands between
two. --json prints a JSON object a prompt: index, prompt, continuations (text,
score, finished, model_limit: cut because the model holds no more tokens).
Search settings that are not given come from the run's recipe."""

SEARCH = Group("Search")
Search = Parameter(group=SEARCH)


def generate(
    run: Path,
    /,
    *,
    prompt: Annotated[list[str] | None, Parameter(negative="")] = None,
    input: Path | None = None,
    output: Path | None = None,
    overwrite: Flag = False,
    json: Flag = False,
    device: str = "auto",
    tokens: Annotated[int, within(1, 100_000)] = 200,
    nbest: Annotated[int | None, Search, within(1, 10_000)] = None,
    beam: Annotated[int | None, Search, within(1, 1000)] = None,
    temperature: Annotated[float | None, Search, within(0.0001, 1000.0)] = None,
    top_k: Annotated[int | None, Search, within(1, 10_000_000)] = None,
    top_p: Annotated[float | None, Search, within(0.0, 1.0)] = None,
    seed: Annotated[int | None, Search, within(0, 2**64 - 1)] = None,
    no_repeat_ngram: Annotated[int | None, Search, within(0, 1000)] = None,
) -> int:
    """Continue text with a run that was trained on text.

    Args:
        run: Directory that `whyformer train` wrote.
        prompt: What the text begins with; without it, nothing. May be given again.
        input: UTF-8 file with a prompt a line.
        output: File to write, whole or not at all; without it, standard output.
        overwrite: Replace --output where it exists.
        json: Write JSON lines.
        device: auto, cpu, cuda, cuda:0 or mps.
        tokens: Most tokens to add.
        nbest: Continuations of each prompt.
        beam: Search for the most probable continuation; 1 is greedy.
        temperature: Of drawing: below 1 sharper, above 1 flatter.
        top_k: Draw among so many most probable tokens.
        top_p: Draw among the most probable tokens of this total probability.
        seed: Of drawing.
        no_repeat_ngram: Never repeat an n-gram of this size.
    """
    from whyformer.cli.shared.streams import json_text, refuse_existing, warn, written
    from whyformer.data.filters import Occurrences
    from whyformer.data.reading import read_lines
    from whyformer.foundation.errors import UsageError
    from whyformer.workflows.generate import load_language_model
    from whyformer.workflows.source_checks import SourceCheck

    if input is not None and prompt:
        raise UsageError("`--input` and `--prompt` were both given. Keep one.")
    drawn = any(x is not None for x in (temperature, top_k, top_p, seed))
    if beam is not None and drawn:
        raise UsageError("`--beam` searches and draws nothing. Leave out what is about drawing.")
    refuse_existing(overwrite, read=input, output=output)
    prompts = list(read_lines(input)) if input is not None else prompt or [""]
    search: dict[str, Any] = {
        "method": "sample" if drawn else None if beam is None else "beam", "beam": beam,
        "nbest": nbest,
        "temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed,
        "no_repeat_ngram": no_repeat_ngram,
    }  # fmt: skip
    model = load_language_model(run, device=device)
    for finding in (
        SourceCheck(model.bundle.target_tokenizer).see_all(enumerate(prompts, start=1)).findings()
    ):
        warn(finding)
    found = model.generate(
        prompts, tokens=tokens, **{name: x for name, x in search.items() if x is not None}
    )
    full = Occurrences()
    with written(output) as stream:
        for index, (one, answers) in enumerate(zip(prompts, found, strict=True), start=1):
            if any(answer.model_limit for answer in answers):
                full.add(index)
            if json:
                whole = {"index": index, "prompt": one, "continuations": [*map(vars, answers)]}
                print(json_text(whole), file=stream)
                continue
            for number, answer in enumerate(answers):
                if index > 1 or number:
                    print(file=stream)
                print(answer.text, file=stream)
    if full.count:
        warn(
            f"fewer than --tokens {tokens} were added to {full.of('prompt')}: the model holds no "
            "more tokens, the prompt included."
        )
    return 0
