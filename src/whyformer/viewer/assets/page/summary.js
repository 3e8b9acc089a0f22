// One line about a model, made from its settings in the language of the page.
import {say} from "./words.js";

export function summaryOf({ family, settings, layers }) {
  const { cell, d_model: width, heads, wiring, positions, sharing, attention } = settings;
  const one = (name, count) => say(count === 1 ? `summary.${name}` : `summary.${name}s`, { count });
  const depth = layers.encoder && layers.decoder ? say("summary.both_layers", layers) : one("layer", layers.encoder || layers.decoder);
  const scheme = positions && positions !== "none" ? known(`scheme.${positions}`, positions) : null;
  return [
    known(`family.${family}`, family.toUpperCase()) + (cell ? ` (${cell.toUpperCase()})` : ""),
    depth,
    `d_model ${width}`,
    heads ? one("head", heads) : null,
    wiring ? known(`wiring.${wiring}`, wiring) : null,
    scheme && !cell ? say("summary.positions", { scheme }) : null,
    sharing === "all" ? say("summary.shared") : null,
    settings.generator ? say("summary.generator", { width: settings.generator.d_model }) : null,
    cell && attention && attention !== "none" ? say("summary.attention", { kind: attention }) : null,
    cell && settings.input_feeding ? say("summary.input_feeding") : null,
  ].filter(Boolean).join(", ");
}

function known(key, otherwise) {
  return say(key) === key ? otherwise : say(key);
}
