// The rows of the models that read a text in both directions: bos, the tokens of one or two texts, and eos.

import {splitSpaces, stripSpaces} from "./text/normalization.js";

const MASK_IN_TEXT = /<mask>|\[MASK\]/;

/** Return the texts of a request as training read them: trimmed. */
function textsOf({manifest}, {text, second = null}) {
  const trim = (one) => (manifest.keep_spaces ? one : stripSpaces(one));
  if (stripSpaces(text) === "") throw new Error("The text is empty. Type a text.");
  return [trim(text), second === null || stripSpaces(second) === "" ? null : trim(second)];
}

function longestRow({limits}) {
  return Math.min(limits.positions, limits.row ?? limits.positions);
}

/** Return the row of a text or of a pair of texts. A row that is too long is cut, the longer text first. */
export function pairRow(session, request) {
  const [first, second] = textsOf(session, request), encode = (text) => session.source.encode(text);
  return joinedRow(session, encode(first), second === null ? null : encode(second));
}

function joinedRow({source: {bos, eos}, manifest}, first, second) {
  const longest = longestRow(manifest), separators = manifest.pair_separators;
  if (second === null) {
    const ids = [bos, ...first.slice(0, longest - 2), eos];
    return {ids, segments: ids.map(() => 0)};
  }
  const most = longest - 2 - separators;
  let [a, b] = [first, second];
  if (a.length + b.length > most) {
    const short = Math.min(a.length, b.length, Math.floor(most / 2)), long = most - short;
    [a, b] = a.length > b.length ? [a.slice(0, long), b.slice(0, short)] : [a.slice(0, short), b.slice(0, long)];
  }
  const ids = [bos, ...a, ...Array(separators).fill(eos), ...b, eos];
  const start = a.length + 1 + separators; // of the second segment
  return {ids, segments: ids.map((_, i) => (i < start ? 0 : 1))};
}

/** Return the row of a text with <mask> or [MASK], or with the given places masked. */
export function maskedRow(session, request) {
  const {source} = session, [first, second] = textsOf(session, request);
  const spaced = !["chars", "jamo"].includes(source.units); // a mask stands for a token with the space before it
  const encode = (text) => text.split(MASK_IN_TEXT).flatMap((part, i, parts) => {
    const before = i + 1 < parts.length && spaced ? part.trimEnd() : part;
    return [...(i ? [source.mask] : []), ...source.encode(before)];
  });
  const row = joinedRow(session, encode(first), second === null ? null : encode(second));
  const places = new Set(request.masked ?? []);
  return {...row, ids: row.ids.map((id, i) => (places.has(i) ? source.mask : id))};
}

/** Return the row of a text whose words are labelled, with the place of the first token of each word. */
export function wordRow(session, text) {
  const {source} = session, [trimmed] = textsOf(session, {text}), longest = longestRow(session.manifest);
  const words = splitSpaces(trimmed), ids = [source.bos], places = [];
  for (const [number, word] of words.entries()) {
    const pieces = source.encode(number ? ` ${word}` : word).slice(0, longest - 2);
    if (ids.length + pieces.length + 1 > longest) break; // the page labels one row
    const first = pieces.findIndex((piece) => stripSpaces(source.decode([piece])) !== "");
    places.push(ids.length + Math.max(first, 0));
    ids.push(...pieces);
  }
  ids.push(source.eos);
  return {ids, segments: ids.map(() => 0), places, words: words.slice(0, places.length)};
}
