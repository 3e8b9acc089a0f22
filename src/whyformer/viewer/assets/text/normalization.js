// Normalize text to Unicode NFC; spaces, case and control characters are unchanged
// (text/normalization.py). Characters that one Unicode version knows and another one does not can
// differ between browsers, as they differ between versions of Python.

// The characters that Python's `str.split` and `str.strip` take for spaces. The class \s of
// JavaScript differs: it contains U+FEFF, and lacks U+001C to U+001F and U+0085.
const SPACES = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
/** The characters with the Unicode property White_Space, which the `tokenizers` library uses. */
export const WHITE_SPACE =
  "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const SPACES_BETWEEN = new RegExp(`[${SPACES}]+`, "u");
const SPACES_AT_ENDS = new RegExp(`^[${SPACES}]+|[${SPACES}]+$`, "gu");

/** Return `text` with U+FFFD instead of each lone surrogate, which has no UTF-8 form. */
export function withoutSurrogates(text) {
  return text.replace(/\p{Cs}/gu, "\ufffd");
}

/** Return `text` in Unicode normal form C, without lone surrogates. */
export function normalizeText(text) {
  return withoutSurrogates(text).normalize("NFC");
}

/** Return `text` in lower case and NFC. */
export function lowerText(text) {
  return normalizeText(normalizeText(text).toLowerCase());
}

/** Return the words between spaces, as `text.split()` of Python does. */
export function splitSpaces(text) {
  return text.split(SPACES_BETWEEN).filter((word) => word !== "");
}

/** Return `text` without spaces at its ends, as `text.strip()` of Python does. */
export function stripSpaces(text) {
  return text.replace(SPACES_AT_ENDS, "");
}
