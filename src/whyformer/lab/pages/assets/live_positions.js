"use strict";
// Eight components, four pairs: each pair turns at its own speed.
live.positions = (stage, words) => {
  const PAIRS = 4;
  const speeds = Array.from({ length: PAIRS }, (_, i) => 10000 ** (-i / PAIRS));
  let position = 3;
  let offset = 2;
  const clocks = make("div", { class: "panels four" });
  const facts = make("dl", {});
  stage.append(
    make("div", { class: "controls" },
      slider(words.position, 0, 200, position, String, (v) => { position = v; compute(); }),
      slider(words.offset, -50, 50, offset, (v) => String(v).replace("-", "−"), (v) => { offset = v; compute(); })),
    make("p", { class: "keys" },
      make("i", { class: "hollow" }), words.from, make("i", { class: "solid" }), words.to),
    clocks, facts,
  );

  function hand(angle, kind) {
    // The code is (sin, cos): the hand starts upright and turns clockwise.
    const [x, y] = [80 * Math.sin(angle), -80 * Math.cos(angle)];
    return [
      make("line", { class: kind, x1: 0, y1: 0, x2: x, y2: y }),
      make("circle", { class: kind, cx: x, cy: y, r: 7 }),
    ];
  }
  function arc(from, by) {
    const turn = Math.max(-2 * Math.PI + 1e-3, Math.min(2 * Math.PI - 1e-3, by));
    const at = (angle) => `${40 * Math.sin(angle)} ${-40 * Math.cos(angle)}`;
    const large = Math.abs(turn) > Math.PI ? 1 : 0;
    return make("path", { class: "arc", d: `M${at(from)}A40 40 0 ${large} ${turn > 0 ? 1 : 0} ${at(from + turn)}` });
  }
  function compute() {
    clocks.replaceChildren();
    let residual = 0;
    let product = 0;
    for (const [i, w] of speeds.entries()) {
      const from = w * position;
      const by = w * offset;
      const [s, c] = [Math.sin(from), Math.cos(from)];
      const turned = [c * Math.sin(by) + s * Math.cos(by), c * Math.cos(by) - s * Math.sin(by)];
      const exact = [Math.sin(from + by), Math.cos(from + by)];
      residual += (turned[0] - exact[0]) ** 2 + (turned[1] - exact[1]) ** 2;
      product += Math.cos(by);
      clocks.append(make("div", {},
        make("svg", { viewBox: "-100 -100 200 200", class: "clock", role: "img" },
          make("circle", { class: "rim", cx: 0, cy: 0, r: 80 }), arc(from, by),
          ...hand(from, "from"), ...hand(from + by, "to")),
        make("p", { class: "axis" }, `ω${"₀₁₂₃"[i]} = ${written(w)}`),
        make("p", { class: "axis" }, `${words.angle} ω${"₀₁₂₃"[i]}k = ${written((by * 180) / Math.PI)}°`)));
    }
    facts.replaceChildren();
    for (const [label, value] of [
      [words.residual, written(Math.sqrt(residual))],
      [words.product, written(product)],
    ]) facts.append(make("div", {}, make("dt", {}, label), make("dd", {}, value)));
  }
  compute();
};
