// What a typed text has that the vocabulary does not cover.

import {FIRST_BYTE, UNK} from "./symbols.js";
import {joinedBytes, utf8Text} from "./utf8.js";
import {splitSpaces, stripSpaces} from "./normalization.js";

const MASKS_IN_TEXT = /<mask>|\[MASK\]/;
const REPLACED = "\ufffd"; // the bytes are not a whole character

/**
 * Return the characters, or words, of a text that have no token, each once: {parts, asBytes}.
 *
 * Without a token, a text is spelled in bytes; an imported tokenizer can write <unk> instead. In a
 * byte-level vocabulary, every ASCII character has its own token, so ASCII is never reported.
 */
export function unknownParts(tokenizer, text) {
  const texts = text.split(MASKS_IN_TEXT).map(stripSpaces), rows = texts.map((one) => tokenizer.encode(one));
  if (rows.some((ids) => ids.includes(UNK))) return {parts: withoutToken(tokenizer, texts), asBytes: false};
  const parts = tokenizer.units === "jamo" ? texts.flatMap((one) => syllables(tokenizer, one)) : rows.flatMap((ids) => (
    byteRuns(tokenizer, ids).flatMap((run) => (tokenizer.gaps ? splitSpaces(run) : [...run]))));
  const isUnknown = (one) => one !== REPLACED && (!tokenizer.overBytes || one > "\x7f");
  return {parts: [...new Set(parts.filter(isUnknown))], asBytes: true};
}

/** Return the texts that are spelled in bytes. */
function byteRuns({firstPiece, spellings}, ids) {
  const runs = [];
  let open = false;
  for (const id of ids) {
    const isByte = id >= FIRST_BYTE && id < firstPiece;
    if (isByte && open) runs.at(-1).push(spellings[id]);
    else if (isByte) runs.push([spellings[id]]);
    open = isByte;
  }
  return runs.map((run) => utf8Text(joinedBytes(run)));
}

/** Return the syllables with a letter that is spelled in bytes. */
function syllables(tokenizer, text) {
  return [...tokenizer.normalize(text)].filter((one) => byteRuns(tokenizer, tokenizer.encode(one)).length > 0);
}

/** Return the words that become <unk>, as the text has them. */
function withoutToken(tokenizer, texts) {
  const words = texts.flatMap(splitSpaces);
  return [...new Set(words.filter((word) => tokenizer.encode(word).includes(UNK)))];
}
