// Byte-pair encoding over characters or bytes (text/bpe.py).
// Paper: Sennrich et al. 2016 (arXiv:1508.07909), §3.2.

import {FIRST_BYTE, FIRST_PIECE} from "./symbols.js";
import {Subwords, knownRuns} from "./subwords.js";
import {spell} from "./pieces.js";
import {utf8TextWithEscapes} from "./utf8.js";

/** Pairs of ids to merge, in order of priority, and the id that each pair becomes. */
export class Merges {
  constructor(pairs, merged) {
    this.base = 1 + pairs.reduce((most, pair) => Math.max(most, ...pair), 0);
    this.rank = new Map(pairs.map(([left, right], k) => [left * this.base + right, k]));
    this.merged = merged;
  }

  /** Return `ids` after all merges: the merge of the highest priority first, then the leftmost. */
  apply(ids) {
    const symbols = Array.from(ids);
    for (;;) {
      let best = Infinity;
      let place = -1;
      for (let i = 0; i + 1 < symbols.length; i++) {
        const rank = this.rank.get(symbols[i] * this.base + symbols[i + 1]);
        if (rank < best) [best, place] = [rank, i];
      }
      if (place < 0) return symbols;
      symbols.splice(place, 2, this.merged[best]);
    }
  }
}

/** BPE over characters; with the units byte_bpe, a piece has one character for each byte. */
export class BPE extends Subwords {
  constructor(state) {
    const overBytes = state.units === "byte_bpe";
    super(state, overBytes ? {overBytes, bytesOf: latinBytes} : {});
    const spelling = (id) =>
      id < FIRST_PIECE ? String.fromCharCode(id - FIRST_BYTE) : this.pieces[id - FIRST_PIECE];
    const merged = state.merges.map(([a, b]) => this.id.get(spelling(a) + spelling(b)));
    this.merges = new Merges(state.merges, merged);
  }

  cut(word) {
    if (this.overBytes) return this.merges.apply(spell(word));
    return knownRuns(word, this.id).flatMap(([known, characters]) =>
      known
        ? this.merges.apply(characters.map((one) => this.id.get(one)))
        : spell(characters.join("")),
    );
  }

  shownPiece(id) {
    return utf8TextWithEscapes(this.spellings[id]).replaceAll(" ", "▁");
  }
}

function latinBytes(piece) {
  return Uint8Array.from(piece, (character) => character.charCodeAt(0));
}
