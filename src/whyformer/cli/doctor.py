"""``whyformer doctor``: show information about this machine, measure it, or verify a run."""

from pathlib import Path

from whyformer.cli.shared.options import Flag

EXAMPLES = """Examples:

  whyformer doctor
  whyformer doctor --json
  whyformer doctor --tune
  whyformer doctor runs/demo
  whyformer doctor runs/demo --reseal"""


def doctor(
    run: Path | None = None,
    /,
    *,
    reseal: Flag = False,
    tune: Flag = False,
    json: Flag = False,
) -> int:
    """Show versions, device, threads, memory, disk, extras and speed; or verify a run.

    Args:
        run: A run or model directory to verify.
            Compares all its files with their SHA-256 hashes:
            model, checkpoint, tokenizers, corpora, conversion, recipe, journal.
            Files that are missing or belong to another run are reported, too.
        reseal: Accept all changes to the model of RUN since its hashes were stored, and list them.
        tune: Measure in less than a minute which implementations are faster on this CPU.
            New runs and searches use the result; it depends on the number of threads.
            A resumed run keeps the implementations with which it was started.
            WHYFORMER_UNTUNED=1 ignores the result.
        json: Print one JSON object.
    """
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.errors import BundleError, UsageError
    from whyformer.workflows.doctor import examine, render
    from whyformer.workflows.runs.sealing import reseal as seal_again
    from whyformer.workflows.runs.verifying import verify

    if run is None:
        if reseal:
            raise UsageError("--reseal needs a run, such as `whyformer doctor runs/demo --reseal`.")
        if tune:
            return _tune(json=json)
        findings = examine()
        if json:
            print_json(findings)
        else:
            print(render(findings))
        return 0
    if tune:
        raise UsageError(f"--tune measures this machine, not a run. Leave out `{run}`.")
    if reseal:
        sealed = seal_again(run)
        changed = [*sealed.settings, *sealed.files]
        if json:
            print_json({"path": str(sealed.path), "changed": changed})
        else:
            print(f"Changed: {', '.join(changed) or 'nothing'}. Sealed `{sealed.path}` again.")
        return 0
    parts = verify(run)
    faults = [part.fault for part in parts if part.fault]
    sound = [part for part in parts if not part.fault]
    if json:
        unchecked = [str(part.path) for part in sound if not part.checked]
        intact = [str(part.path) for part in sound if part.checked]
        found = {"intact": intact, "without_hashes": unchecked, "damaged": faults}
        print_json({"path": str(run), **found})
    else:
        for part in sound:
            print(f"{'intact' if part.checked else 'readable, has no hashes'}: {part.path}")
    if faults:
        raise BundleError(" ".join(faults))
    return 0


def _tune(*, json: bool) -> int:
    from whyformer.cli.shared.streams import print_json, warn
    from whyformer.workflows.tune import render, tune

    tuning = tune(say=warn)
    if json:
        print_json(tuning.to_json())
    else:
        print(render(tuning))
    return 0
