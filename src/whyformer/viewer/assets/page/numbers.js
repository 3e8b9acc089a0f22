// Numbers, probabilities and tokens as text.
import {language} from "./words.js";

export function percent(probability) {
  const share = 100 * probability;
  if (probability === 1) return "100 %";
  if (share > 99.9) return "> 99.9 %";
  if (share >= 99.5) return `${share.toFixed(1)} %`;
  if (share >= 10) return `${share.toFixed(0)} %`;
  if (share >= 0.995) return `${share.toFixed(1)} %`;
  return share >= 0.01 ? `${share.toFixed(2)} %` : "< 0.01 %";
}

// A probability in percent without the sign, for the cells of a map.
export function shortPercent(probability) {
  if (probability > 0.999) return "100";
  if (probability >= 0.00995) return percent(probability).replace(" %", "");
  return probability >= 0.0005 ? "<1" : "";
}

export function number(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const places = size >= 1000 || size < 1e-4 ? 0 : Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  const text = size < 1e-4 ? size.toExponential(1) : size.toFixed(Math.min(places, 6));
  return value < 0 ? `−${text}` : text;
}

export function signed(value, digits = 3) {
  return value > 0 ? `+${number(value, digits)}` : number(value, digits);
}

export function megabytes(bytes) {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export function count(value) {
  if (language() === "ko" && value >= 1e4) return `${Math.round(value / 1e4)}만`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(0)} k` : String(value);
}

// A log-probability or a difference of two, in nats.
export function nats(value, sign = true) {
  const text = Math.abs(value).toFixed(Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3);
  return `${value < 0 && Number(text) ? "−" : sign && Number(text) ? "+" : ""}${text}`;
}

// Whether a difference is shown as 0.
export function isZero(value) {
  return Number(nats(Math.abs(value), false)) === 0;
}

// The value of a setting with the given step.
export function setting(value, step = 0.1) {
  return value.toFixed(step < 1 ? 1 : 0);
}

// A token as it is shown: the space before a word is left out, other spaces and line ends become visible.
export function visible(token) {
  return token.replace(/^[ ▁](?=[^ ▁])/, "").replaceAll(/[ ▁]/g, "␣").replaceAll("\n", "↵") || "∅";
}

export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

export function mean(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length ? sum / values.length : 0;
}
