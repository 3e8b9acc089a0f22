#!/usr/bin/env bash
# Build the wheel, install it alone in an empty environment, ask every command for help, train 20 steps.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
.venv/bin/python -m build --wheel --no-isolation --outdir "$scratch/dist" . >/dev/null
python3 -m venv "$scratch/venv"
bin="$scratch/venv/bin"
"$bin/pip" install --quiet --disable-pip-version-check "$(grep '^torch==' requirements.lock)"
"$bin/pip" install --quiet --disable-pip-version-check -c requirements.lock "$scratch"/dist/*.whl
cd "$scratch"
"$bin/whyformer" --help >/dev/null
for command in demo train translate score evaluate check diagnose ask lab config doctor; do
  "$bin/whyformer" "$command" --help >/dev/null
done
"$bin/whyformer" lab show scaling >/dev/null
"$bin/whyformer" ask why sqrt dk >/dev/null
"$bin/whyformer" train copy --out run --training.updates 20 --quiet
"$bin/whyformer" translate run --text "s01 s02" >/dev/null
echo "the wheel works alone"
