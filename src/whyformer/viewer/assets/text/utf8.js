// Text to UTF-8 bytes and back.

const UTF8_ENCODER = new TextEncoder();
// Without `ignoreBOM`, a decoder drops U+FEFF at the start of a text.
const UTF8_DECODER = new TextDecoder("utf-8", {ignoreBOM: true});
const UTF8_STRICT_DECODER = new TextDecoder("utf-8", {ignoreBOM: true, fatal: true});

/** Return the UTF-8 bytes of `text`. */
export function utf8Bytes(text) {
  return UTF8_ENCODER.encode(text);
}

/** Return the text of `bytes`, with U+FFFD for bytes that are not UTF-8. */
export function utf8Text(bytes) {
  return UTF8_DECODER.decode(bytes);
}

/** Return the text of `bytes`; null if they are not UTF-8. */
export function strictUtf8Text(bytes) {
  try {
    return UTF8_STRICT_DECODER.decode(bytes);
  } catch {
    return null;
  }
}

/** Return the text of `bytes`, with \xNN for each byte that is not UTF-8. */
export function utf8TextWithEscapes(bytes) {
  let text = "";
  let place = 0;
  while (place < bytes.length) {
    let length = 4;
    let character = null;
    while (length > 0 && character === null) {
      const part = bytes.subarray(place, place + length);
      character = part.length === length ? oneCharacter(part) : null;
      if (character === null) length -= 1;
    }
    text += character ?? `\\x${bytes[place].toString(16).padStart(2, "0")}`;
    place += Math.max(length, 1);
  }
  return text;
}

function oneCharacter(bytes) {
  const text = strictUtf8Text(bytes);
  return text !== null && [...text].length === 1 ? text : null;
}

/** Return one array with the bytes of all `parts`. */
export function joinedBytes(parts) {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let place = 0;
  for (const part of parts) {
    joined.set(part, place);
    place += part.length;
  }
  return joined;
}
