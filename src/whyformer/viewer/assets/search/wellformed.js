// Restrict sampling to tokens whose bytes form valid UTF-8 text (decoding/wellformed.py).
//
// In each state of a machine over bytes, a token is either forbidden or leads to the next state. The
// states follow the table of well-formed UTF-8 (Unicode 16, Table 3-7).

import {FIRST_BYTE} from "../text/symbols.js";
import {strictUtf8Text} from "../text/utf8.js";

/** For each state: first byte, last byte and next state of each allowed range. */
const UTF8_NEXT = [
  [[0x00, 0x7f, 0], [0xc2, 0xc2, 4], [0xc3, 0xdf, 1], [0xe0, 0xe0, 5], [0xe1, 0xec, 2],
    [0xed, 0xed, 6], [0xee, 0xef, 2], [0xf0, 0xf0, 7], [0xf1, 0xf3, 3], [0xf4, 0xf4, 8]],
  [[0x80, 0xbf, 0]],
  [[0x80, 0xbf, 1]],
  [[0x80, 0xbf, 2]],
  [[0x80, 0xbf, 0]], // 4: after C2, which starts U+0080 to U+00BF
  [[0xa0, 0xbf, 1]], // 5: after E0: no overlong forms
  [[0x80, 0x9f, 1]], // 6: after ED: no surrogates
  [[0x90, 0xbf, 2]], // 7: after F0
  [[0x80, 0x8f, 2]], // 8: after F4: nothing above U+10FFFF
];
/** For each state, the number of bytes that complete the character. */
const UTF8_NEEDED = [0, 1, 2, 3, 1, 2, 2, 3, 3];
const UTF8_BEGINS = 0;
const UTF8_AFTER_C2 = 4;
const UTF8_FORBIDDEN = -1;

/**
 * The tokens that may follow a text, depending on the state of its bytes.
 *
 * `seen` are the bytes that occur in the training targets; other bytes are never drawn. If it is
 * null, all bytes except control characters are allowed.
 */
export class WellFormed {
  constructor({spellings, firstPiece}, seen = null) {
    this.after = UTF8_NEXT.map((_, state) =>
      Int8Array.from(spellings, (bytes, token) => {
        if (token < FIRST_BYTE) return state === UTF8_BEGINS ? UTF8_BEGINS : UTF8_FORBIDDEN;
        const whole = token >= firstPiece && strictUtf8Text(bytes) !== null;
        return whole && state !== UTF8_BEGINS ? UTF8_FORBIDDEN : stateAfter(state, bytes);
      }),
    );
    if (firstPiece > FIRST_BYTE) this.forbidBytes(seen === null ? null : new Set(seen));
    for (let time = 0; time < Math.max(...UTF8_NEEDED); time++) this.removeDeadEnds();
  }

  /** Return the state of an empty text. */
  begin() {
    return UTF8_BEGINS;
  }

  /** Return the state after one more token, even if the state forbids the token. */
  follow(state, token) {
    return Math.max(this.after[state][token] ?? UTF8_BEGINS, UTF8_BEGINS);
  }

  /**
   * Return whether a token is allowed.
   *
   * A character that needs more than `remaining` tokens after this token is not started.
   */
  allows(state, token, remaining) {
    const after = this.after[state][token] ?? UTF8_FORBIDDEN;
    return after !== UTF8_FORBIDDEN && UTF8_NEEDED[after] <= remaining;
  }

  forbidBytes(seen) {
    for (let byte = 0; byte < 256; byte++) {
      const isControl = (byte < 0x20 || byte === 0x7f) && ![0x09, 0x0a, 0x0d].includes(byte);
      if (seen === null ? !isControl : seen.has(byte)) continue;
      for (const row of this.after) row[FIRST_BYTE + byte] = UTF8_FORBIDDEN;
    }
    this.after[UTF8_AFTER_C2].fill(UTF8_FORBIDDEN, FIRST_BYTE + 0x80, FIRST_BYTE + 0xa0);
  }

  /** Forbid the tokens that lead to a state without a continuation. */
  removeDeadEnds() {
    const dead = this.after.map((row) => row.every((after) => after === UTF8_FORBIDDEN));
    this.after = this.after.map((row) =>
      row.map((after) => (after >= 0 && dead[after] ? UTF8_FORBIDDEN : after)),
    );
  }
}

/** Return the state after `bytes`; UTF8_FORBIDDEN if one of them is not allowed. */
function stateAfter(state, bytes) {
  for (const byte of bytes) {
    const range = UTF8_NEXT[state].find(([first, last]) => first <= byte && byte <= last);
    if (range === undefined) return UTF8_FORBIDDEN;
    state = range[2];
  }
  return state;
}
