// One quiet line below the text: what the model has no token for.
import {html} from "./dom.js";
import {visible} from "./numbers.js";
import {say} from "./words.js";

const SHOWN = 8;

export function unknownLine({ result, error, chosen }) {
  const { parts = [], asBytes } = result?.unknown ?? {};
  if (error || !chosen.text.trim() || !parts.length) return null;
  const more = parts.length > SHOWN ? ` ${say("unknown_more", { count: parts.length - SHOWN })}` : "";
  const named = parts.slice(0, SHOWN).map(visible).join(", ") + more;
  return html("p", { class: "unknown soft" }, asBytes ? say("unknown_bytes", { parts: named }) : say("unknown_symbol", { parts: named, symbol: say("token.unknown") }));
}
