// Byte-level BPE with the rules of GPT-2: each byte is written as one printable character.

import {Merges} from "./bpe.js";
import {WHITE_SPACE} from "./normalization.js";
import {joinedBytes, utf8Bytes, utf8Text} from "./utf8.js";

const GPT2_WORD = new RegExp(
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+" +
    `| ?[^${WHITE_SPACE}\\p{L}\\p{N}]+|[${WHITE_SPACE}]+(?![^${WHITE_SPACE}])|[${WHITE_SPACE}]+`,
  "gu",
);
/** The character of each byte: printable characters of Latin-1, else U+0100 and so on, in order. */
const CHARACTER_OF_BYTE = charactersOfBytes();
const BYTE_OF_CHARACTER = new Map(CHARACTER_OF_BYTE.map((character, byte) => [character, byte]));

/** Encodes and decodes tokens as the `tokenizers` library does for GPT-2. */
export class ByteLevelTool {
  constructor({model, pre_tokenizer: splitter}, symbols) {
    const tokens = Object.entries(model.vocab).filter(([token]) => !symbols.has(token));
    this.id = new Map(tokens);
    this.tokenOfId = new Map(tokens.map(([token, id]) => [id, token]));
    this.merges = new Merges(
      model.merges.map((pair) => pair.map((token) => this.id.get(token))),
      model.merges.map((pair) => this.id.get(pair.join(""))),
    );
    this.ignoresMerges = model.ignore_merges ?? false;
    this.addsSpace = splitter.add_prefix_space;
    this.lowercase = false;
    this.overBytes = true;
    this.cached = new Map();
  }

  encode(text) {
    const whole = this.addsSpace && text !== "" && !text.startsWith(" ") ? ` ${text}` : text;
    return (whole.match(GPT2_WORD) ?? []).flatMap((word) => this.pieces(word));
  }

  pieces(word) {
    if (!this.cached.has(word)) this.cached.set(word, this.cut(word));
    return this.cached.get(word);
  }

  cut(word) {
    const characters = Array.from(utf8Bytes(word), (byte) => CHARACTER_OF_BYTE[byte]);
    const whole = characters.join("");
    if (this.ignoresMerges && this.id.has(whole)) return [whole];
    const ids = characters.map((one) => this.id.get(one));
    return this.merges.apply(ids).map((id) => this.tokenOfId.get(id));
  }

  decode(tokens) {
    return utf8Text(joinedBytes(tokens.map((token) => this.spelling(token))));
  }

  spelling(token) {
    const bytes = Array.from(token, (character) => BYTE_OF_CHARACTER.get(character));
    return bytes.includes(undefined) ? utf8Bytes(token) : Uint8Array.from(bytes);
  }
}

function charactersOfBytes() {
  let next = 0x100;
  return Array.from({length: 256}, (_, byte) => {
    const isPrintable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(isPrintable ? byte : next++);
  });
}
