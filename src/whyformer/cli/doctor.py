"""``whyformer doctor``: what this machine offers."""

from whyformer.cli.options import Flag

EXAMPLES = """Examples:

  whyformer doctor
  whyformer doctor --json"""


def doctor(*, json: Flag = False) -> int:
    """Show versions, device, threads, memory, disk, extras, and this machine's measured speed.

    Args:
        json: Print it as one JSON object.
    """
    from whyformer.cli.streams import print_json
    from whyformer.workflows.doctor import examine, render

    findings = examine()
    if json:
        print_json(findings)
    else:
        print(render(findings))
    return 0
