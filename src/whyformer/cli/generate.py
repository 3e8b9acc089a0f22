"""``whyformer generate``: continue a prompt with a language model."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from whyformer.cli.shared.options import Flag, within

EXAMPLES = """Examples:

  whyformer generate runs/gpt --prompt "The with statement"
  whyformer generate runs/gpt --prompt "The" --tokens 50 --nbest 3 --seed 7
  whyformer generate runs/gpt --prompt "The" --beam 5
  whyformer generate runs/gpt --input prompts.txt --json

Without --beam, tokens are drawn at random; --beam 1 always takes the most
probable token.
Each continuation is printed after its prompt, with an empty line between two
continuations. --json prints one JSON object per prompt: index, prompt and
continuations (text, score, finished, and model_limit: whether the text reached
the maximum length of the model).
Other search settings come from the run's recipe."""

SEARCH = Group("Search")
Search = Parameter(group=SEARCH)


def generate(
    run: Path,
    /,
    *,
    prompt: Annotated[list[str] | None, Parameter(negative="")] = None,
    input: Path | None = None,
    encoding: str | None = None,
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
    min_p: Annotated[float | None, Search, within(0.0, 1.0)] = None,
    seed: Annotated[int | None, Search, within(0, 2**64 - 1)] = None,
    no_repeat_ngram: Annotated[int | None, Search, within(0, 1000)] = None,
) -> int:
    """Continue a text with a language model.

    Args:
        run: Directory of a run of the task `language`.
        prompt: Start of the text (default: empty). This option can be repeated.
        input: File with one prompt per line.
        encoding: Encoding of --input, such as cp949.
            Default: UTF-8; for a file that is not UTF-8, the encoding of the training data.
        output: File to write atomically (default: standard output).
        overwrite: Replace --output if it exists.
        json: Write JSON lines.
        device: auto, cpu, cuda, cuda:0 or mps.
        tokens: Maximum number of tokens to add.
        nbest: Number of continuations of each prompt.
        beam: Beam size for the most probable continuation; 1 is greedy search.
        temperature: Sampling temperature: below 1 sharpens the distribution, above 1 flattens it.
        top_k: Sample from this number of most probable tokens.
        top_p: Sample from the most probable tokens with this total probability.
        min_p: Sample only tokens with at least this fraction of the highest probability.
        seed: Random seed of sampling.
        no_repeat_ngram: Never repeat an n-gram of this size.
    """
    from whyformer.cli.shared.streams import json_text, refuse_existing, warn, written
    from whyformer.data.filters import Occurrences
    from whyformer.foundation.errors import UsageError
    from whyformer.workflows.generate import load_language_model
    from whyformer.workflows.reading_of_training import input_lines
    from whyformer.workflows.source_checks import SourceCheck

    if input is not None and prompt:
        raise UsageError("`--input` and `--prompt` were both given. Keep one.")
    drawn = any(x is not None for x in (temperature, top_k, top_p, min_p, seed))
    if beam is not None and drawn:
        raise UsageError(
            "`--beam` cannot be combined with sampling options. Leave out --temperature, --top-k, "
            "--top-p, --min-p and --seed, or leave out --beam."
        )
    refuse_existing(overwrite, read=input, output=output)
    if encoding is not None and input is None:
        raise UsageError("`--encoding` needs --input. Leave it out.")
    prompts = prompt or [""]
    if input is not None:
        prompts = list(input_lines(run, input, encoding, warn))
    search: dict[str, Any] = {
        "method": "sample" if drawn else None if beam is None else "beam", "beam": beam,
        "nbest": nbest,
        "temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "seed": seed,
        "no_repeat_ngram": no_repeat_ngram,
    }  # fmt: skip
    model = load_language_model(run, device=device)
    for finding in (
        SourceCheck(model.bundle.target_tokenizer).add_all(enumerate(prompts, start=1)).findings()
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
            f"fewer than --tokens {tokens} were added to {full.of('prompt')}, because the text "
            "reached the maximum length of the model."
        )
    return 0
