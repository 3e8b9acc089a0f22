// For each model, after a warm-up: its description, and the results of requests; an error is returned
// as {error}.

import {answer, load, request} from "./request.mjs";

const {openSession} = await load("session.js");

function flat(_, value) {
  return value instanceof Float32Array ? Array.from(value) : value;
}

function attempt(session, one) {
  try {
    return session.run(one);
  } catch (error) {
    return {error: error.message};
  }
}

answer(
  JSON.parse(
    JSON.stringify(
      request.map(({manifest, data, requests}) => {
        const session = openSession(manifest, Uint8Array.from(Buffer.from(data, "base64")).buffer);
        session.warmUp(3);
        return {description: session.describe(), results: requests.map((one) => attempt(session, one))};
      }),
      flat,
    ),
  ),
);
