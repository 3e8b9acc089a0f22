#!/usr/bin/env bash
# All measurements that need a GPU, in at most nine minutes: tests, training, decoding, two
# experiments of the laboratory at the paper's size, and a profile.
#
#   benchmarks/gpu.sh OUT                 on a machine with one NVIDIA GPU; no network is used
#   benchmarks/gpu.sh OUT --rehearse      the same steps with tiny sizes on a CPU
#   python benchmarks/gpu_report.py OUT   the JSON files as tables for docs/performance.md
#
# The parts run in the order below. Each part has its own time limit and writes its own JSON file
# after every measurement. A part starts only if at least 20 seconds of the nine minutes are left.
# OUT then holds at most eight files: five JSON files, log.txt, report.md and trace.json.gz.
#
# Needs, beside this checkout: Python 3.11 or newer with torch (CUDA build), numpy, safetensors,
# tokenizers, transformers, jaxtyping, pyyaml, pytest and hypothesis. The first part checks this.
# A machine without a network often lacks the packages below. Bring them in a directory
# `.gpu-packages` in the checkout; this script adds the directory to PYTHONPATH. Where the network
# is, make it for the Python of the GPU machine (22 MB; the checkout has 17 MB):
#
#   pip install --target .gpu-packages --no-deps --only-binary=:all: --python-version 3.12 \
#     --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 --implementation cp \
#     pydantic pydantic-core annotated-types typing-inspection wadler-lindig beartype
#
# If pydantic reports that pydantic-core has the wrong version, add `==` and the version that it
# names. The directory is in .gitignore: a tool that copies only tracked files leaves it behind.
# ctranslate2 is measured if it is installed. Its wheel (43 MB) needs the libraries of CUDA 12.
#
# Variables: PYTHON (default python3); SCALE multiplies all time limits, for a rehearsal on a slow
# CPU; TOTAL is the number of seconds for all parts (default 530).
set -uo pipefail
out=$(realpath -m "${1:?give a directory for the results}")
mode=${2:-}
cd "$(dirname "$0")/.."
mkdir -p "$out"
python=${PYTHON:-python3} scale=${SCALE:-1}
total=${TOTAL:-$((530 * scale))}
export PYTHONPATH="src:tests:.gpu-packages${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1
"$python" benchmarks/gpu.py check "$out" $mode || exit 2
began=$SECONDS
for part in tests:90 training:200 decoding:120 learning:90 profile:30; do
  name=${part%%:*} limit=$((${part##*:} * scale))
  left=$((total - (SECONDS - began)))
  [ "$left" -ge 20 ] || { echo "== $name: left out, no time"; continue; }
  [ "$limit" -le "$left" ] || limit=$left
  echo "== $name (at most $limit s)"
  timeout --signal=TERM --kill-after=10 "$limit" \
    "$python" benchmarks/gpu.py "$name" "$out" --seconds "$limit" $mode 2>&1
done | tee "$out/log.txt"
"$python" benchmarks/gpu_report.py "$out" | tee "$out/report.md"
