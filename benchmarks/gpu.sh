#!/usr/bin/env bash
# All measurements that need a GPU, in at most nine minutes: tests, training, decoding, two
# experiments of the laboratory at the paper's size, and a profile. The parts run in this order. Each
# part has its own time limit and writes its own JSON file, so an interrupted run keeps its results.
#
#   benchmarks/gpu.sh OUT                 on a machine with one NVIDIA GPU
#   benchmarks/gpu.sh OUT --rehearse      the same steps with tiny sizes on a CPU, about three minutes
#
# Requires this checkout and Python 3.11 or newer with torch (CUDA build), numpy, safetensors,
# tokenizers, transformers, jaxtyping, pyyaml, rich, pytest and hypothesis. GPU machines often lack
# the following packages. Copy them as wheels and add them to PYTHONPATH:
#   pydantic pydantic-core annotated-types typing-inspection cyclopts attrs docstring-parser rich-rst
#   docutils sacrebleu portalocker tabulate lxml wadler-lindig beartype
# ctranslate2 (a CUDA build) is used if it is installed. The script does not use the network.
# `python benchmarks/gpu.py report OUT` turns the JSON files into tables.
set -uo pipefail
cd "$(dirname "$0")/.."
out=${1:?give a directory for the results}
mode=${2:-}
mkdir -p "$out"
export PYTHONPATH="src:tests${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1
began=$SECONDS
for part in tests:90 training:200 decoding:120 learning:90 profile:30; do
  name=${part%%:*} limit=${part##*:}
  left=$((530 - (SECONDS - began)))
  [ "$left" -ge 20 ] || { echo "$name: left out, no time"; continue; }
  [ "$limit" -le "$left" ] || limit=$left
  echo "== $name (at most $limit s)"
  timeout --signal=INT --kill-after=10 "$limit" \
    python benchmarks/gpu.py "$name" "$out" --seconds "$limit" $mode 2>&1 | tee "$out/$name.log" | tail -40
done
python benchmarks/gpu.py report "$out" | tee "$out/report.md"
