"use strict";
// Operations from their formulas; a multiplication and an addition count two.
live.complexity = (stage, words) => {
  let [n, d] = [256, 512];
  const shares = make("svg", { viewBox: "0 0 640 96", class: "bars", role: "img" });
  const layers = make("svg", { viewBox: "0 0 640 178", class: "bars", role: "img" });
  const sizes = Array.from({ length: 27 }, (_, k) => Math.round(2 ** (4 + k / 2)));
  const widths = Array.from({ length: 15 }, (_, k) => Math.round(2 ** (6 + k / 2)));
  const grouped = (v) => v.toLocaleString("en");
  stage.append(
    make("div", { class: "controls" },
      slider(words.length, 0, sizes.length - 1, 8, (k) => grouped(sizes[k]), (k) => { n = sizes[k]; compute(); }),
      slider(words.width, 0, widths.length - 1, 6, (k) => grouped(widths[k]), (k) => { d = widths[k]; compute(); })),
    make("p", { class: "axis" }, words.block), shares,
    make("p", { class: "axis" }, words.layers), layers,
  );

  function compute() {
    const block = [
      [words.core, "4n²d", 4 * n * n * d],
      [words.projections, "8nd²", 8 * n * d * d],
      [words.feedforward, "16nd²", 16 * n * d * d],
    ];
    const total = block.reduce((sum, [, , v]) => sum + v, 0);
    shares.replaceChildren();
    let x = 0;
    block.forEach(([label, formula, value], k) => {
      const wide = (640 * value) / total;
      shares.append(
        make("rect", { class: `fill s${k}`, x, y: 0, width: Math.max(0, wide - 2), height: 34 }),
        make("rect", { class: `fill s${k}`, x: k * 214, y: 48, width: 12, height: 12 }),
        make("text", { x: k * 214 + 18, y: 59 }, label),
        make("text", { x: k * 214 + 18, y: 80 }, `${formula} · ${Math.round((100 * value) / total)} %`),
      );
      x += wide;
    });
    const kinds = [
      [words.attention, "4n²d", 4 * n * n * d],
      [words.recurrent, "4nd²", 4 * n * d * d],
      [words.convolution, "6nd²", 6 * n * d * d],
      [words.window, "4·64·nd", 4 * 64 * n * d],
    ];
    const least = Math.min(...kinds.map(([, , v]) => v));
    const low = 5;
    const high = 15;
    layers.replaceChildren();
    kinds.forEach(([label, formula, value], k) => {
      const y = k * 44;
      const wide = 640 * Math.min(1, Math.max(0.01, (Math.log10(value) - low) / (high - low)));
      const cheapest = value === least;
      layers.append(
        make("text", { x: 0, y: y + 14 }, `${label}: ${formula} = ${written(value)}${cheapest ? ` — ${words.cheapest}` : ""}`),
        make("rect", { class: `fill ${cheapest ? "s2" : "s7"}`, x: 0, y: y + 20, width: wide, height: 14 }),
      );
    });
  }
  compute();
};
