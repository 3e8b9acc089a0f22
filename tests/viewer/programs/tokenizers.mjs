// For each tokenizer: the ids and normalized form of each text, and the text and tokens of each row.

import {answer, load, request} from "./request.mjs";

const {openTokenizer} = await load("text/tokenizer.js");

answer(
  request.map(({json, texts, rows}) => {
    const tokenizer = openTokenizer(json);
    return {
      size: tokenizer.size,
      lead: tokenizer.lead,
      gaps: tokenizer.gaps,
      firstPiece: tokenizer.firstPiece,
      ids: texts.map((text) => tokenizer.encode(text)),
      normalized: texts.map((text) => tokenizer.normalize(text)),
      texts: rows.map((row) => tokenizer.decode(row)),
      tokens: Array.from({length: tokenizer.size + 2}, (_, id) => tokenizer.token(id - 1)),
      spellings: tokenizer.spellings.map((bytes) => Array.from(bytes)),
      found: Array.from({length: tokenizer.size}, (_, id) => tokenizer.find(tokenizer.token(id))),
    };
  }),
);
