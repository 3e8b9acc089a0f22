// What differs between the two sides of a comparison: words of the texts, and tokens of the answers.
import {difference} from "./differences.js";
import {html} from "./dom.js";
import {say} from "./words.js";

// The places of `own` that a longest common subsequence with `other` leaves out.
export function differing(own, other) {
  const parts = difference(own, other).filter(({ kind }) => kind !== "new");
  return new Set(parts.flatMap(({ kind }, k) => (kind === "gone" ? [k] : [])));
}

// Whether spaces stand between all tokens, and not inside of tokens, as between phones.
export function isSpaced({ text, tokens }) {
  return text.includes(" ") && !tokens.some((one) => /[ ▁]/.test(one));
}

// The places of the tokens of an answer that the other side does not have. Models with different vocabularies are
// compared word by word.
export function differingTokens(own, other, byWord) {
  if (!byWord) return differing(own.tokens, other.tokens);
  const [mine, theirs] = [own, other].map(inWordsOf);
  const words = differing(mine.words, theirs.words);
  return new Set(own.tokens.map((_, k) => k).filter((k) => words.has(mine.wordOf[k])));
}

function inWordsOf(answer) {
  const spaced = isSpaced(answer);
  const words = [];
  const wordOf = answer.tokens.map((token, k) => {
    const begins = !k || spaced || /^[ ▁]/.test(token) || /[ ▁]$/.test(answer.tokens[k - 1]);
    if (begins) words.push("");
    words[words.length - 1] += token.replaceAll(/[ ▁]/g, "");
    return words.length - 1;
  });
  return { words, wordOf };
}

function otherOf(app, pane) {
  return app.panes.find((one) => one !== pane);
}

export function nameOfOther(app, pane) {
  return "AB"[otherOf(app, pane).number];
}

// The differing tokens of the answer of a pane; null if there is nothing to compare.
export function differingIn(app, pane) {
  const other = otherOf(app, pane);
  const [own, theirs] = [pane.result?.target, other?.result?.target];
  return own?.tokens && theirs?.tokens && !other.error ? differingTokens(own, theirs, pane.manifest !== other.manifest) : null;
}

// The line below an answer that says what is marked.
export function comparedAnswer(app, pane) {
  const other = otherOf(app, pane);
  if (!pane.result || !other?.result || other.error || other.result.kind !== pane.result.kind) return null;
  const textOf = ({ result }) => result.target?.text ?? result.answer;
  const key = textOf(pane) === textOf(other) ? "same_answer" : differingIn(app, pane)?.size ? "marked_answer" : "other_answer";
  return html("p", { class: "soft facts compared" }, say(key, { other: nameOfOther(app, pane) }));
}

// The text of a pane, with marks around the words that the text of the other pane does not have. In texts without
// spaces, each character counts as a word.
export function markedText(app, pane) {
  const [own, theirs] = [pane.chosen.text, otherOf(app, pane)?.chosen.text ?? ""];
  const byWord = /\s/.test(own.trim()) || /\s/.test(theirs.trim());
  const pieces = (text) => (byWord ? text.match(/\S+\s*|\s+/g) ?? [] : [...text]);
  const bare = (text) => pieces(text).map((one) => one.trim());
  const places = theirs.trim() ? differing(bare(own), bare(theirs)) : new Set();
  const parts = [];
  let marked = null;
  pieces(own).forEach((piece, k) => {
    const differs = places.has(k);
    if (!parts.length || differs !== marked) parts.push({ differs, text: "" });
    parts.at(-1).text += piece;
    marked = differs;
  });
  return parts.map(({ differs, text }) => (differs ? [html("mark", { class: "differs" }, text.trimEnd()), text.slice(text.trimEnd().length)] : text));
}

// The line below the field of a text that differs from the text of the other pane.
export function comparedText(app, pane) {
  const other = otherOf(app, pane)?.chosen.text.trim();
  if (!other || other === pane.chosen.text.trim() || !pane.chosen.text.trim()) return null;
  return html("p", { class: "soft unknown compared" }, say("marked_text", { other: nameOfOther(app, pane) }), " ", html("span", { class: "marked-text", lang: "und" }, markedText(app, pane)));
}
