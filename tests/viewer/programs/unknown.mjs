// For each tokenizer: the parts of each text that it has no token for.

import {answer, load, request} from "./request.mjs";

const {openTokenizer} = await load("text/tokenizer.js");
const {unknownParts} = await load("text/unknown.js");

answer(request.map(({json, texts}) => texts.map((text) => unknownParts(openTokenizer(json), text))));
