// Heat maps: one path for each shade, so that a large map stays small.
import {svg} from "./dom.js";

const SHADES = 14;
const GAMMA = 0.75; // below 1, small weights stay visible

// Return paths. `at(row, column)` is a value; `scale` the value of the darkest shade.
export function shades(rows, columns, at, { left = 0, top = 0, wide, tall, scale, hue = "warm" }) {
  const paths = new Map();
  for (let r = 0; r < rows; r += 1) {
    let c = 0;
    while (c < columns) {
      const shade = level(at(r, c), scale);
      let end = c + 1;
      while (end < columns && level(at(r, end), scale) === shade) end += 1;
      if (shade) {
        const d = `M${round(left + c * wide)} ${round(top + r * tall)}h${round((end - c) * wide)}v${round(tall)}h${-round((end - c) * wide)}z`;
        paths.set(shade, (paths.get(shade) ?? "") + d);
      }
      c = end;
    }
  }
  return [...paths].map(([shade, d]) =>
    svg("path", { class: shade < 0 ? "cold" : hue, "fill-opacity": (Math.abs(shade) / SHADES).toFixed(3), d }),
  );
}

// The class of a number on the shade of its cell, see `.in-cell` in page.css.
export function inkOn(value, scale) {
  const shade = Math.abs(level(value, scale));
  return shade > 12 ? "on-dark" : shade > 8 ? "on-middle" : "on-light";
}

function level(value, scale) {
  if (!Number.isFinite(value) || !scale) return 0;
  const share = Math.min(1, Math.abs(value) / scale) ** GAMMA;
  return Math.sign(value) * Math.round(SHADES * share);
}

function round(value) {
  return Math.round(value * 100) / 100;
}

// The largest absolute value of an array.
export function largest(values) {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value) || 0);
  return most;
}

// The width of a text in pixels, roughly: Hangul and Chinese letters are wider than Latin letters.
export function textWidth(text, size = 13) {
  let wide = 0;
  for (const letter of text) wide += letter.codePointAt(0) > 0x2e80 ? 1 : 0.62;
  return wide * size;
}
