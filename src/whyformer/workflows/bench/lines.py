"""Format the results of a benchmark as lines of text."""

from collections.abc import Sequence
from typing import Any

from whyformer.foundation.wording import counted
from whyformer.workflows.bench.measure import QUIET_CORES


def render(found: dict[str, Any]) -> str:
    """Return the results as text: medians, with quartiles of the rounds in brackets."""
    lines = [*_facts(found), "", *_ceilings(found), "", *_training(found["training"])]
    if found["decoding"]:
        lines += ["", *_decoding(found)]
    for engine, reason in found["left_out"].items():
        lines.append(f"left out: {engine}: {reason}")
    if found["quality"]:
        lines += ["", *_quality(found["quality"])]
    lines += ["", *_starting(found["starting"]), "", *_closing(found)]
    return "\n".join(lines)


def _facts(found: dict[str, Any]) -> list[str]:
    where = found["processor"] if found["device"] == "cpu" else found["device"]
    facts = {
        "recipe": f"{found['recipe']}: {found['model']}",
        "parameters": f"{found['parameters']:,}; vocabulary {found['vocabulary']:,}",
        "data": found["data"],
        "machine": f"{where}, {counted(found['threads'], 'thread')} on "
        f"{counted(found['cores'], 'core')}, "
        f"{found['precision']}",
        "versions": f"whyformer {found['whyformer']}, torch {found['torch']}, "
        f"Python {found['python']}",
    }
    if found["run"]:
        facts["run"] = found["run"]
    return [f"{key:<10}  {value}" for key, value in facts.items()]


def _ceilings(found: dict[str, Any]) -> list[str]:
    ceilings = found["ceilings"]
    rows = [
        [f"{s['rows']:,} × {s['inner']:,} × {s['outer']:,}", _spread(s["gflops"], 1)]
        for s in ceilings["shapes"]
    ]
    return [
        *_aligned([["matrix product", "GFLOP/s"], *rows]),
        f"ceiling: {_spread(ceilings['gflops'], 1)} GFLOP/s (the best shape of each round); memory "
        f"copy: {_spread(ceilings['copy_gb_per_second'], 1)} GB/s (reads plus writes)",
    ]


def _training(found: dict[str, Any]) -> list[str]:
    share = found["share_of_ceiling"]
    cost = (
        "there is no formula for the operations of this family"
        if share is None
        else f"{_spread(share, 1, 100)} % of the ceiling at "
        f"{found['mflop_per_token']:.2f} MFLOP per target token"
    )
    return [
        f"training: {_spread(found['tokens_per_second'], 0)} target tokens/s; {cost}",
        f"          {_spread(found['updates_per_second'], 2)} updates/s of "
        f"{found['tokens_per_update']:,.0f} tokens; "
        f"peak memory {_mib(found['peak_memory_mib'])} MiB",
    ]


def _mib(value: float | None) -> str:
    """Return a size in MiB as text, or "?" if the system does not report it."""
    return "?" if value is None else f"{value:,.0f}"


def _decoding(found: dict[str, Any]) -> list[str]:
    single = [["single sentences", "search", "p50 ms", "p95 ms", "per round", "MiB"]]
    groups = [["batches", "search", "tokens/s", "sentences/s", "MiB"]]
    for one in found["decoding"]:
        names, memory = [one["engine"], one["search"]], _mib(one["peak_memory_mib"])
        if one["batch"] == 1:
            times = [_spread(one["ms_p50"], 2), _spread(one["ms_p95"], 2)]
            single.append([*names, *times, f"{one['sentences']:,}", memory])
        else:
            speeds = [one["tokens_per_second"], one["sentences_per_second"]]
            groups.append([*names, _spread(speeds[0], 0), _spread(speeds[1], 1), memory])
    length = found["decoding"][0]["tokens_per_sentence"]
    what = "untrained model, constant output length" if found["run"] is None else "the run"
    return [
        *_aligned(single),
        "",
        *_aligned(groups),
        f"batches of {found['decoding'][-1]['batch']}; {length:.1f} tokens per sentence ({what}); "
        "MiB: peak memory",
    ]


def _quality(found: dict[str, dict[str, Any]]) -> list[str]:
    metrics = list(next(iter(found.values())))
    rows = [[engine, *(f"{s[m]['value']:.2f}" for m in metrics)] for engine, s in found.items()]
    return _aligned([["quality", *metrics], *rows])


def _starting(found: dict[str, Any]) -> list[str]:
    lines = [f"starting: --help {_spread(found['help_seconds'], 2)} s"]
    if "first_answer_seconds" in found:
        answer = _spread(found["first_answer_seconds"], 2)
        lines.append(f"          translate, from start to exit: {answer} s")
    return lines


def _closing(found: dict[str, Any]) -> list[str]:
    lines = [f"medians of {found['rounds']} alternating rounds [p25–p75]"]
    others = found["cores_used_by_others"]
    if others is not None and others > QUIET_CORES:
        lines.append(
            f"BUSY MACHINE: other programs used {others:.2f} cores during the benchmark; "
            "do not publish these numbers"
        )
    return lines


def _spread(found: dict[str, float], digits: int, factor: float = 1) -> str:
    median, low, high = (f"{factor * found[k]:,.{digits}f}" for k in ("median", "p25", "p75"))
    return f"{median} [{low}–{high}]"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if (k < 2 and len(row) > 2) or k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
