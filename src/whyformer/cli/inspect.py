"""``whyformer inspect``: show statistics of each layer and head of a model for a text."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whyformer.cli.shared.options import Flag, required

if TYPE_CHECKING:
    from whyformer.bundle import Bundle
    from whyformer.lab.instruments.counter import Operations
    from whyformer.lab.instruments.probes import Head

EXAMPLES = """Examples:

  whyformer inspect runs/mine --text "A dog runs."
  whyformer inspect runs/mine --text "A dog runs." --target "Ein Hund rennt."
  whyformer inspect runs/gpt --text "The with statement" --out heads.html
  whyformer inspect runs/mine --text "A dog runs." --json

The output has three tables. Heads: the standard deviation of the scores, and
the entropy of the attention weights in nats and as a fraction of the maximum
(1: uniform attention). Layers: the diversity of the token vectors (0: all are
equal). Equations: the number of multiply-adds per equation. --out writes an
HTML file with a heat map of the attention weights of each head."""

MAX_DRAWN = 64
"""Maximum number of tokens of a heat map. With more tokens, its cells would be too small to see."""


def inspect(
    run: Path,
    /,
    *,
    text: str | None = None,
    target: str | None = None,
    out: Path | None = None,
    overwrite: Flag = False,
    json: Flag = False,
    device: str = "auto",
) -> int:
    """Show the results of the layers and heads of a model for one text, and the number of
    operations.

    Args:
        run: Directory of a run.
        text: The input: a source, a text, or two texts separated by a tab. Required.
        target: Translation of the source (default: the model's own translation).
        out: HTML file to write, with a heat map of each head.
        overwrite: Replace --out if it exists.
        json: Print one JSON object.
        device: auto, cpu, cuda, cuda:0 or mps.
    """
    from whyformer.bundle import load_bundle
    from whyformer.cli.shared.streams import print_json, refuse_existing, written
    from whyformer.foundation.devices import choose_device
    from whyformer.foundation.errors import UsageError

    source_text = required(text, "text", '--text "A dog runs."')
    refuse_existing(overwrite, out=out)
    found = look(load_bundle(run, device=choose_device(device)), run, source_text, target)
    longest = max(map(len, found.tokens.values()))
    if out is not None and longest > MAX_DRAWN:
        raise UsageError(
            f"`--out` supports at most {MAX_DRAWN} tokens, but the text has {longest}. Shorten "
            "the text, or leave --out out."
        )
    if json:
        print_json(found.to_json())
    else:
        found.print()
    if out is not None:
        with written(out) as stream:
            stream.write(found.page())
    return 0


@dataclass(frozen=True)
class Inspection:
    """The measurements of one forward pass.

    Args: tokens: the tokens of the input (key "text") and, if there is one, of the target (key
        "target"), as readable text.
    """

    run: str
    family: str
    tokens: dict[str, list[str]]
    heads: "list[Head]"
    diversities: dict[str, float]
    operations: "Operations"

    def to_json(self) -> dict[str, Any]:
        """Return all measurements except the attention weights as JSON values."""
        return {
            "run": self.run,
            "family": self.family,
            "tokens": self.tokens,
            "heads": [
                {
                    "attention": head.module,
                    "head": head.number,
                    "score_deviation": _finite(head.score_deviation),
                    "entropy": _finite(head.entropy),
                    "entropy_share": _finite(head.spread),
                }
                for head in self.heads
            ],
            "layers": [
                {"layer": name, "token_diversity": _finite(value)}
                for name, value in self.diversities.items()
            ],
            "multiply_adds": {
                "total": self.operations.total,
                "by_equation": dict(self.operations.by_equation()),
                "by_module": self.operations.by_module(),
            },
        }

    def tables(self) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
        """Return the three tables as text: each table has its rows and the names of its columns."""
        total = max(self.operations.total, 1)
        equations = [
            (str(equation), f"{count:,}", f"{count / total:.1%}")
            for equation, count in self.operations.by_equation().items()
        ]
        return [
            (
                ("attention", "head", "score deviation", "entropy (nats)", "of the maximum"),
                [
                    (
                        head.module, str(head.number), _number(head.score_deviation),
                        _number(head.entropy), _number(head.spread),
                    )
                    for head in self.heads
                ],
            ),
            (
                ("layer", "token diversity"),
                [(name, _number(value)) for name, value in self.diversities.items()],
            ),
            (
                ("equation", "multiply-adds", "share"),
                [*equations, ("all", f"{self.operations.total:,}", "100.0%")],
            ),
        ]  # fmt: skip

    def print(self) -> None:
        """Print the tables on standard output."""
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table

        from whyformer.foundation.wording import counted

        console = Console(highlight=False, markup=False, emoji=False)
        for side, tokens in self.tokens.items():
            console.print(
                f"{side}: {counted(len(tokens), 'token')}: {' '.join(tokens)}", soft_wrap=True
            )
        for columns, rows in self.tables():
            if not rows:
                continue
            table = Table(box=SIMPLE_HEAD)
            for place, column in enumerate(columns):
                table.add_column(column, justify="right" if place else "left", no_wrap=not place)
            for row in rows:
                table.add_row(*row)
            console.print(table)

    def page(self) -> str:
        """Return an HTML page with the tables and a heat map of each head."""
        from html import escape

        from whyformer.workflows.report.layout import document, grid
        from whyformer.workflows.report.page import attention_map

        def table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
            head = "".join(f"<th>{escape(one)}</th>" for one in columns)
            body = "".join(
                "<tr>" + "".join(f"<td>{escape(one)}</td>" for one in row) + "</tr>" for row in rows
            )
            return f"<div class=wide><table><tr>{head}</tr>{body}</table></div>"

        drawn = []
        for head in self.heads:
            queries, keys = self.sides(head)
            name = f"{head.module}, head {head.number}"
            picture = attention_map(_short(queries), _short(keys), head.weights.tolist())
            drawn.append(f"<figcaption>{escape(name)}</figcaption>{picture}")
        title = f"Layers and heads of {self.run} for one text"
        read = "".join(
            f"<p>{escape(side)}: <code>{escape(' '.join(tokens))}</code></p>"
            for side, tokens in self.tokens.items()
        )
        return document(
            title,
            read
            + "".join(table(columns, rows) for columns, rows in self.tables() if rows)
            + "<p>Each row is a query token, each column a key token.</p>"
            + grid(drawn),
        )

    def sides(self, head: "Head") -> tuple[list[str], list[str]]:
        """Return the query tokens and the key tokens of a head."""
        source = self.tokens["text"]
        written = self.tokens.get("target", source)
        if head.module.startswith("encoder"):
            return source, source
        across = "cross_attention" in head.module or head.module == "decoder.attention"
        return written, source if across else written


def look(bundle: "Bundle", run: Path, text: str, target: str | None) -> Inspection:
    """Run a model on a text once, and measure its heads, layers and operations.

    Raises: UsageError if the text is empty or too long, or if the model cannot read the target.
    """
    import torch

    from whyformer.lab.instruments.counter import count_operations
    from whyformer.lab.instruments.probes import watch
    from whyformer.workflows.single_text import single_text

    given = single_text(bundle, run, text, target, flags=True)
    model = bundle.model
    with torch.inference_mode(), watch(model) as seen, count_operations(model) as counted:
        given.forward()
    return Inspection(
        str(run), model.settings.family, given.tokens, seen.heads(), seen.diversities(), counted
    )


def _short(tokens: list[str]) -> list[str]:
    return [token if len(token) <= 5 else f"{token[:4]}…" for token in tokens]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"
