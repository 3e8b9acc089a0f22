import {linearOf} from "./blocks.js";
import {Tensor} from "./tensors.js";
import {strictUtf8Text} from "../text/utf8.js";

const MULTIPLIER = 1000003; // these constants are those of blocks/ngrams.py and blocks/character_ngrams.py
const LETTERS = 16;
const BYTE = 0x110000;
const RATE_FACTOR = 10;

/** Return the row of the n-gram that ends at place i. A hash function chooses it. */
export function ngramRow(ids, i, size, rows) {
  let row = size;
  for (let back = size - 1; back >= 0; back -= 1) row = (row * MULTIPLIER + (i >= back ? ids[i - back] : 0) + 1) % rows;
  return row;
}

/** A linear classifier on the n-grams of the characters of a text (blocks/character_ngrams.py). */
export class CharacterNgrams {
  constructor(weights, settings) {
    this.longest = settings.character_ngrams;
    this.table = weights.get("characters.table.weight");
    this.project = linearOf(weights, "characters.project");
    this.characters = null;
  }

  /** Store the characters of each id. Args: spellings: the bytes of each id. */
  learnSpellings(spellings) {
    this.characters = spellings.map((bytes) => {
      const text = strictUtf8Text(bytes);
      const numbers = text === null ? Array.from(bytes, (byte) => BYTE + byte) : Array.from(text, (one) => one.codePointAt(0));
      return numbers.slice(0, LETTERS).filter((one) => one !== 0); // Python reads the character 0 as a gap
    });
  }

  /** Return the outputs for a text, as one row. */
  of(ids) {
    const text = ids.flatMap((id) => this.characters[id]), [rows, width] = this.table.shape;
    const sum = new Float32Array(width), share = RATE_FACTOR / Math.sqrt(Math.max(1, text.length * this.longest));
    for (let size = 1; size <= this.longest; size += 1) {
      text.forEach((_, i) => this.table.row(ngramRow(text, i, size, rows)).forEach((value, k) => { sum[k] += share * value; }));
    }
    const found = new Tensor([1, width], sum);
    return this.project === null ? found : this.project.of(found);
  }
}
