// Units that need no learned splitting: characters, jamo, words and phonemes (text/units.py).
// Units outside the vocabulary are encoded as bytes.

import {FIRST_BYTE, FIRST_PIECE} from "./symbols.js";
import {Pieces, beforeEos, spell} from "./pieces.js";
import {joinedBytes, utf8Text} from "./utf8.js";
import {normalizeText, splitSpaces} from "./normalization.js";

const ONE_SPACE = Uint8Array.of(0x20);

/** Every character is a token. */
export class Characters extends Pieces {
  constructor(state) {
    super(state);
    this.id = new Map(this.pieces.map((piece, k) => [piece, FIRST_PIECE + k]));
  }

  /** Return the ids of `text`, without BOS and EOS. */
  encode(text) {
    const ids = [];
    for (const character of this.divided(this.normalize(text))) {
      const id = this.id.get(character);
      if (id === undefined) ids.push(...spell(character));
      else ids.push(id);
    }
    return ids;
  }

  divided(text) {
    return text;
  }
}

/** Characters, but each Hangul syllable is divided into its two or three letters (jamo). */
export class Jamo extends Characters {
  /** Return the text of `ids` with the letters composed into syllables again. */
  decode(ids) {
    return normalizeText(super.decode(ids));
  }

  divided(text) {
    return text.replace(/[가-힣]/gu, (syllable) => syllable.normalize("NFD"));
  }
}

/** Every run of non-space characters is a token; used for words and for phonemes. */
export class Words extends Pieces {
  constructor(state) {
    super(state);
    this.gaps = true;
    this.id = new Map(this.pieces.map((piece, k) => [piece, FIRST_PIECE + k]));
  }

  /** Return the ids of `text`, without BOS and EOS. */
  encode(text) {
    const ids = [];
    let spelled = false;
    for (const word of splitSpaces(super.normalize(text))) {
      const id = this.id.get(word);
      if (id === undefined) ids.push(...spell(spelled ? ` ${word}` : word));
      else ids.push(id);
      spelled = id === undefined;
    }
    return ids;
  }

  /** Return exactly `decode(encode(text))`: the words, separated by single spaces. */
  normalize(text) {
    return splitSpaces(super.normalize(text)).join(" ");
  }

  /** Return the words of `ids` up to EOS, separated by spaces. */
  decode(ids) {
    const parts = [];
    let spelled = false;
    for (const id of beforeEos(ids)) {
      if (!(id >= FIRST_BYTE && id < this.size)) continue;
      const isByte = id < FIRST_PIECE;
      if (parts.length && !(isByte && spelled)) parts.push(ONE_SPACE);
      parts.push(this.spellings[id]);
      spelled = isByte;
    }
    return utf8Text(joinedBytes(parts));
  }
}
