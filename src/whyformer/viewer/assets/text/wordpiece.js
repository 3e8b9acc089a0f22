// WordPiece with the rules of BERT for spaces, accents, case and punctuation.
//
// Differs: the `tokenizers` library does not know the marks and punctuation of Unicode 9 and later
// (about 500 rare characters); a browser does.

import {WHITE_SPACE} from "./normalization.js";
import {utf8Bytes} from "./utf8.js";

const BERT_SPACES = new RegExp(`[${WHITE_SPACE}]`, "gu");
const BERT_REMOVED = /(?![\t\n\r])[\0\ufffd\p{Cc}\p{Cf}\p{Co}]/gu;
const BERT_CHINESE = new RegExp(
  "[\\u4e00-\\u9fff\\u3400-\\u4dbf\\u{20000}-\\u{2a6df}\\u{2a700}-\\u{2b73f}\\u{2b740}-\\u{2b81f}" +
    "\\u{2b920}-\\u{2ceaf}\\uf900-\\ufaff\\u{2f800}-\\u{2fa1f}]",
  "gu",
);
const BERT_MARKS = "!-\\/:-@\\[-`\\{-~\\p{P}";
const BERT_WORD = new RegExp(`[${BERT_MARKS}]|[^${WHITE_SPACE}${BERT_MARKS}]+`, "gu");
const BERT_CLEANUP = [
  [" .", "."], [" ?", "?"], [" !", "!"], [" ,", ","], [" ' ", "'"], [" n't", "n't"], [" 'm", "'m"],
  [" do not", " don't"], [" 's", "'s"], [" 've", "'ve"], [" 're", "'re"],
];

/** Encodes and decodes tokens as the `tokenizers` library does for BERT. */
export class WordPieceTool {
  constructor({model, normalizer, decoder}, symbols) {
    this.vocabulary = new Set(Object.keys(model.vocab).filter((one) => !symbols.has(one)));
    this.model = model;
    this.normalizer = normalizer;
    this.decoder = decoder;
    this.lowercase = normalizer.lowercase;
    this.overBytes = false;
  }

  encode(text) {
    const words = this.normalized(text).match(BERT_WORD) ?? [];
    return words.flatMap((word) => this.pieces([...word]));
  }

  normalized(text) {
    const {clean_text: cleans, handle_chinese_chars: divides, lowercase} = this.normalizer;
    let found = text;
    if (cleans) found = found.replace(BERT_REMOVED, "").replace(BERT_SPACES, " ");
    if (divides) found = found.replace(BERT_CHINESE, " $& ");
    if (this.normalizer.strip_accents ?? lowercase) {
      found = found.normalize("NFD").replace(/\p{Mn}/gu, "");
    }
    // Each character alone: the library has no special rule for a sigma at the end of a word.
    return lowercase ? Array.from(found, (one) => one.toLowerCase()).join("") : found;
  }

  /** Return the longest pieces of a word from left to right; the unknown token if there are none. */
  pieces(word) {
    const {unk_token: unknown, continuing_subword_prefix: prefix} = this.model;
    if (word.length > this.model.max_input_chars_per_word) return [unknown];
    const found = [];
    let start = 0;
    while (start < word.length) {
      let end = word.length;
      const spelled = () => (start > 0 ? prefix : "") + word.slice(start, end).join("");
      while (end > start && !this.vocabulary.has(spelled())) end -= 1;
      if (end === start) return [unknown];
      found.push(spelled());
      start = end;
    }
    return found;
  }

  decode(tokens) {
    const parts = tokens.map((token, place) => this.cleaned(place === 0 ? token : this.joined(token)));
    return parts.join("");
  }

  joined(token) {
    const {prefix} = this.decoder;
    return token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
  }

  cleaned(token) {
    if (!this.decoder.cleanup) return token;
    return BERT_CLEANUP.reduce((text, [from, to]) => text.replaceAll(from, to), token);
  }

  spelling(token) {
    return utf8Bytes(this.joined(token));
  }
}
