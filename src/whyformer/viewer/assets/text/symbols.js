// The first ids of every vocabulary: five symbols, then the 256 bytes (text/symbols.py).

export const PAD = 0;
export const BOS = 1;
export const EOS = 2;
export const UNK = 3;
export const MASK = 4;
export const SYMBOLS = ["<pad>", "<bos>", "<eos>", "<unk>", "<mask>"];

/** Id of byte 0x00; byte b has the id FIRST_BYTE + b. */
export const FIRST_BYTE = SYMBOLS.length;

/** Id of the first learned piece. */
export const FIRST_PIECE = FIRST_BYTE + 256;

/** How all ids below FIRST_PIECE are shown. */
export const RESERVED = [...SYMBOLS, ...Array.from({length: 256}, (_, byte) => byteName(byte))];

function byteName(byte) {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}
