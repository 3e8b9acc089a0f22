"use strict";
// One query and eight keys are drawn once; a greater width uses more of their components.
live.scaling = (stage, words) => {
  const KEYS = 8;
  const WIDEST = 4096;
  let seed = 1;
  let power = 2;
  let divisor = "1";
  let query, keys;

  function draw() {
    let state = seed++ * 0x9e3779b9;
    const uniform = () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const normal = () =>
      Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    query = Float64Array.from({ length: WIDEST }, normal);
    keys = Array.from({ length: KEYS }, () => Float64Array.from({ length: WIDEST }, normal));
  }

  const bars = make("svg", { viewBox: "0 0 300 200", class: "bars", role: "img" });
  const grid = make("svg", { viewBox: "0 0 200 200", class: "matrix", role: "img" });
  const facts = make("dl", {});
  const name = (text) => make("p", { class: "axis" }, text);
  const choice = make("fieldset", { class: "options" }, make("legend", {}, words.divide));
  for (const [value, text] of [["1", "1"], ["sqrt", "√d_k"], ["d", "d_k"]]) {
    const radio = make("input", { type: "radio", name: "divisor", value });
    radio.checked = value === divisor;
    radio.addEventListener("change", () => { divisor = value; compute(); });
    choice.append(make("label", {}, radio, ...symbols(text)));
  }
  const again = make("button", { type: "button" }, words.again);
  again.addEventListener("click", () => { draw(); compute(); });
  stage.append(
    make("div", { class: "controls" },
      slider(words.width, 0, 12, power, (v) => String(2 ** v), (v) => { power = v; compute(); }),
      choice, again),
    make("div", { class: "panels" },
      make("div", {}, name(words.weights), bars),
      make("div", {}, name(words.jacobian), grid)),
    facts,
  );

  function compute() {
    const width = 2 ** power;
    const by = { 1: 1, sqrt: Math.sqrt(width), d: width }[divisor];
    const scores = keys.map((key) => {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += query[i] * key[i];
      return sum / by;
    });
    const top = Math.max(...scores);
    const powers = scores.map((s) => Math.exp(s - top));
    const total = powers.reduce((a, b) => a + b);
    const p = powers.map((v) => v / total);
    const mean = scores.reduce((a, b) => a + b) / KEYS;
    const deviation = Math.sqrt(scores.reduce((a, s) => a + (s - mean) ** 2, 0) / (KEYS - 1));
    bars.replaceChildren(make("path", { class: "base", d: "M0 180H300" }));
    p.forEach((v, k) => {
      const x = 6 + k * 37;
      bars.append(
        make("rect", { class: "fill s0", x, y: 180 - 160 * v, width: 28, height: 160 * v }),
        make("text", { x: x + 14, y: 172 - 160 * v, "text-anchor": "middle" }, v < 0.005 ? "0" : v.toFixed(2)),
        make("text", { x: x + 14, y: 196, "text-anchor": "middle" }, `k${"₁₂₃₄₅₆₇₈"[k]}`),
      );
    });
    grid.replaceChildren();
    let squares = 0;
    p.forEach((a, r) =>
      p.forEach((b, c) => {
        const entry = (r === c ? a : 0) - a * b;
        squares += entry * entry;
        grid.append(make("rect", {
          class: entry < 0 ? "cold" : "warm", x: 2 + c * 24.5, y: 2 + r * 24.5, width: 23.5, height: 23.5,
          "fill-opacity": Math.min(1, Math.max(0.03, Math.abs(entry) * 4)),
        }));
      }),
    );
    facts.replaceChildren();
    for (const [label, value] of [
      [words.deviation, written(deviation)],
      [words.largest, written(Math.max(...p))],
      [words.norm, written(Math.sqrt(squares))],
    ]) facts.append(make("div", {}, make("dt", {}, label), make("dd", {}, value)));
  }
  draw();
  compute();
};
