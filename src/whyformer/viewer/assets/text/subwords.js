// The base of all subword vocabularies: split text into words, and cache their tokenization
// (text/subwords.py). A space belongs to the word after it.

import {FIRST_PIECE} from "./symbols.js";
import {Pieces} from "./pieces.js";

const LONGEST_WORD = 48;
const CACHED_WORDS = 50000;
const MARKS =
  "!-/:-@\\[-`{-~¡-¿×÷،؛؟٪-٭।॥\\u2010-\\u2027\\u2030-\\u205e\\u20a0-\\u20bf" +
  "\\u3001-\\u3003\\u3008-\\u3011\\u3014-\\u301f\\uff01-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40" +
  "\\uff5b-\\uff65";
const WORD = new RegExp(
  ` ?[^ ${MARKS}]{1,${LONGEST_WORD}}| ?[${MARKS}]{1,${LONGEST_WORD}}| `,
  "gu",
);

/** Split `text` into words and punctuation, each with the single space before it. */
export function splitWords(text) {
  return text.match(WORD) ?? [];
}

/** Tokenizes text word by word with a cache; subclasses define `cut` for one word. */
export class Subwords extends Pieces {
  constructor(state, options) {
    super(state, options);
    this.id = new Map(this.pieces.map((piece, k) => [piece, FIRST_PIECE + k]));
    this.cached = new Map();
  }

  /** Return the ids of `text`, without BOS and EOS. */
  encode(text) {
    return splitWords(this.normalize(text)).flatMap((word) => this.cutWithCache(word));
  }

  cutWithCache(word) {
    let ids = this.cached.get(word);
    if (ids === undefined) {
      if (this.cached.size >= CACHED_WORDS) this.cached.clear();
      ids = this.cut(word);
      this.cached.set(word, ids);
    }
    return ids;
  }
}

/** Split `word` into runs of characters inside and outside `alphabet`: [known, characters]. */
export function knownRuns(word, alphabet) {
  const runs = [];
  for (const character of word) {
    const known = alphabet.has(character);
    const last = runs.at(-1);
    if (last !== undefined && last[0] === known) last[1].push(character);
    else runs.push([known, [character]]);
  }
  return runs;
}
