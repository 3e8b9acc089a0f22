// Open a tokenizer: strings to ids, and ids to strings (text/tokenizer.py).

import {BPE} from "./bpe.js";
import {Imported} from "./imported.js";
import {Characters, Jamo, Words} from "./units.js";
import {Tagged} from "./tags.js";
import {Unigram} from "./unigram.js";

const CLASS_OF_UNITS = {
  bpe: BPE,
  byte_bpe: BPE,
  unigram: Unigram,
  chars: Characters,
  jamo: Jamo,
  words: Words,
  phonemes: Words,
  imported: Imported,
};
const NEWEST_TOKENIZER_FORMAT = 2;

/**
 * Return the tokenizer of a file source.json or target.json (its text, or the parsed object).
 *
 * A tokenizer has: pieces, size, units, lowercase, firstPiece, spellings, gaps, lead, pad, bos, eos,
 * unknown, mask, encode(text) -> ids, decode(ids) -> text, token(id) -> readable string,
 * tokens(ids), find(readable string) -> id or null, normalize(text).
 */
export function openTokenizer(json) {
  const state = typeof json === "string" ? JSON.parse(json) : json;
  if (state.format > NEWEST_TOKENIZER_FORMAT) {
    throw new Error(
      `The tokenizer's format must be ${NEWEST_TOKENIZER_FORMAT} or older, but it is ` +
        `${state.format}. Make the page again with a newer whyformer.`,
    );
  }
  const Kind = CLASS_OF_UNITS[state.units];
  if (Kind === undefined) {
    throw new Error(
      `The page can read the units ${Object.keys(CLASS_OF_UNITS).join(", ")}, but this tokenizer ` +
        `has the units ${state.units}. Train the model with other units.`,
    );
  }
  const inner = new Kind(state);
  return state.tags?.length ? new Tagged(inner, state.tags) : inner;
}
