// Run the script of the worker as a browser does, and return its answers to messages.

import {answer, request} from "./request.mjs";

const answers = [];
const self = {
  postMessage(message, moved) {
    const plain = JSON.stringify(message, (_, value) => (value instanceof Float32Array ? Array.from(value) : value));
    answers.push({...JSON.parse(plain), moved: moved?.length ?? 0});
  },
};
const {script, data, messages} = request;
new Function("self", `"use strict"; ${script}`)(self);
messages.forEach((message, id) => {
  const weights = message.kind === "open" ? Uint8Array.from(Buffer.from(data, "base64")).buffer : undefined;
  self.onmessage({data: {id, model: 0, weights, ...message}});
});
answer(answers);
