// The words that a student may not know, explained where they stand. Their meanings are in one place, the
// glossary of the words files.
import {html} from "./dom.js";
import {noted} from "./tip.js";
import {glossary, language} from "./words.js";

// In English, a form is a whole word. In Korean, a particle may follow it.
function patternOf(entries) {
  const forms = entries.flatMap(([, { forms: all }]) => all).sort((a, b) => b.length - a.length).map((one) => one.replace(/[()]/g, "\\$&"));
  const end = language() === "en" ? "(?![\\p{L}\\p{N}-])" : "";
  return new RegExp(`(?<![\\p{L}\\p{N}-])(?:${forms.join("|")})${end}`, "giu");
}

// Return the parts of a text: strings, and the first mention of each term as an element with a note.
export function explained(text) {
  const entries = Object.entries(glossary());
  const parts = [];
  const seen = new Set();
  let last = 0;
  for (const found of text.matchAll(patternOf(entries))) {
    const [name] = entries.find(([, { forms }]) => forms.includes(found[0].toLowerCase()));
    if (seen.has(name)) continue;
    seen.add(name);
    parts.push(text.slice(last, found.index), html("dfn", { class: "term", tabindex: 0, "data-key": `term:${name}:${text.slice(0, 40)}`, ...noteOf(name, found[0]) }, found[0]));
    last = found.index + found[0].length;
  }
  return [...parts, text.slice(last)];
}

// The attributes of an element that shows the meaning of a term.
export function noteOf(name, shown) {
  const { onclick, ...handlers } = noted([shown, glossary()[name].meaning]);
  const open = (event) => {
    event.preventDefault(); // inside a label, a click would move the focus to the control
    event.currentTarget.focus();
    onclick(event);
  };
  return { "aria-describedby": `term-${name}`, onclick: open, ...handlers };
}

// The texts to which `aria-describedby` refers.
export function fillGlossary(place) {
  place.replaceChildren(...Object.entries(glossary()).map(([name, { meaning }]) => html("p", { id: `term-${name}` }, meaning)));
}
