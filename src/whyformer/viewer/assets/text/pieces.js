// The base class of all vocabularies: pieces with ids, and decoding (text/pieces.py).

import {BOS, EOS, FIRST_BYTE, FIRST_PIECE, MASK, PAD, RESERVED, UNK} from "./symbols.js";
import {joinedBytes, utf8Bytes, utf8Text} from "./utf8.js";
import {lowerText, normalizeText} from "./normalization.js";

/** Return the byte tokens of `text`, for characters outside the vocabulary. */
export function spell(text) {
  return Array.from(utf8Bytes(text), (byte) => FIRST_BYTE + byte);
}

/** Return the ids before the first EOS, where a text ends. */
export function beforeEos(ids) {
  const all = Array.from(ids);
  const end = all.indexOf(EOS);
  return end < 0 ? all : all.slice(0, end);
}

/**
 * A vocabulary: five symbols, 256 bytes, then learned pieces; each piece stands for bytes.
 *
 * `spellings` holds the bytes of each id (none for a symbol). `lead` holds the ids that begin every
 * encoded text. With `gaps`, decoding puts a space between two tokens. `state` is the JSON object of
 * a tokenizer file.
 */
export class Pieces {
  constructor(state, {firstPiece = FIRST_PIECE, overBytes = false, bytesOf = utf8Bytes} = {}) {
    this.units = state.units;
    this.lowercase = state.lowercase;
    this.pieces = state.pieces;
    this.firstPiece = firstPiece;
    this.overBytes = overBytes;
    this.gaps = false;
    this.lead = [];
    this.pad = PAD;
    this.bos = BOS;
    this.eos = EOS;
    this.unknown = UNK;
    this.mask = MASK;
    this.spellings = [
      ...RESERVED.slice(0, FIRST_BYTE).map(() => new Uint8Array(0)),
      ...RESERVED.slice(FIRST_BYTE, firstPiece).map((_, byte) => Uint8Array.of(byte)),
      ...this.pieces.map(bytesOf),
    ];
  }

  /** The number of ids. */
  get size() {
    return this.firstPiece + this.pieces.length;
  }

  /** Return exactly the result of `decode(encode(text))`. */
  normalize(text) {
    return this.lowercase ? lowerText(text) : normalizeText(text);
  }

  /** Return the text of `ids` up to EOS. Symbols and ids out of range are left out. */
  decode(ids) {
    const known = beforeEos(ids).map((id) => this.spellings[id]);
    return utf8Text(joinedBytes(known.filter((bytes) => bytes !== undefined)));
  }

  /** Return a readable string for an id; a space is shown as ▁. */
  token(id) {
    if (!(id >= 0 && id < this.size)) return `<${id}>`;
    return id < this.firstPiece ? RESERVED[id] : this.shownPiece(id);
  }

  /** Return a readable string for each id. */
  tokens(ids) {
    return Array.from(ids, (id) => this.token(id));
  }

  /** Return the id whose readable string is `token`; null if there is none. */
  find(token) {
    if (this.idOfToken === undefined) {
      this.idOfToken = new Map();
      for (let id = this.size - 1; id >= 0; id--) this.idOfToken.set(this.token(id), id);
    }
    return this.idOfToken.get(token) ?? null;
  }

  shownPiece(id) {
    return this.pieces[id - this.firstPiece].replaceAll(" ", "▁");
  }
}
