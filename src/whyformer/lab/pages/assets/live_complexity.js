"use strict";
// Operations from their formulas; a multiplication and an addition count two.
live.complexity = (stage, words) => {
  let [n, d] = [256, 512];
  const shares = make("div", { class: "shares" });
  const parts = make("dl", {});
  const layers = make("div", { class: "rows" });
  const sizes = Array.from({ length: 27 }, (_, k) => Math.round(2 ** (4 + k / 2)));
  const widths = Array.from({ length: 15 }, (_, k) => Math.round(2 ** (6 + k / 2)));
  const grouped = (v) => v.toLocaleString("en");
  stage.append(
    make("div", { class: "controls" },
      slider(words.length, 0, sizes.length - 1, 8, (k) => grouped(sizes[k]), (k) => { n = sizes[k]; compute(); }),
      slider(words.width, 0, widths.length - 1, 6, (k) => grouped(widths[k]), (k) => { d = widths[k]; compute(); })),
    make("p", { class: "axis" }, words.block), shares, parts,
    make("p", { class: "axis" }, words.layers), layers,
  );

  function compute() {
    const block = [
      [words.core, "4n²d", 4 * n * n * d],
      [words.projections, "8nd²", 8 * n * d * d],
      [words.feedforward, "16nd²", 16 * n * d * d],
    ];
    const total = block.reduce((sum, [, , v]) => sum + v, 0);
    const share = (value) => (100 * value) / total;
    shares.replaceChildren(
      ...block.map(([, , value], k) =>
        make("i", { class: `s${k}`, style: `width:${share(value).toFixed(2)}%` })),
    );
    parts.replaceChildren(
      ...block.map(([label, formula, value], k) =>
        make("div", {},
          make("dt", {}, make("i", { class: `swatch s${k}` }), `${label} ${formula}`),
          make("dd", {}, `${Math.round(share(value))} %`))),
    );
    const kinds = [
      [words.attention, "4n²d", 4 * n * n * d],
      [words.recurrent, "4nd²", 4 * n * d * d],
      [words.convolution, "6nd²", 6 * n * d * d],
      [words.window, "4·64·nd", 4 * 64 * n * d],
    ];
    const least = Math.min(...kinds.map(([, , v]) => v));
    const [low, high] = [5, 15];
    layers.replaceChildren(
      ...kinds.map(([label, formula, value]) => {
        const wide = (100 * (Math.log10(value) - low)) / (high - low);
        const cheapest = value === least;
        return make("div", {},
          make("p", { class: "axis" }, `${label}: ${formula} = ${written(value)}${cheapest ? ` · ${words.cheapest}` : ""}`),
          make("i", {
            class: cheapest ? "s2" : "s7",
            style: `width:${Math.min(100, Math.max(1, wide)).toFixed(1)}%`,
          }));
      }),
    );
  }
  compute();
};
