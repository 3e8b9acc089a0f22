import {openSession} from "./session.js";

// The Web Worker of the page: it holds the models, so that the page never waits for a calculation.

const sessions = [];

function handleMessage({kind, model, manifest, weights, request, name, tokens}) {
  if (kind === "open") {
    sessions[model] = openSession(manifest, weights);
    return sessions[model].describe();
  }
  if (kind === "warm") return sessions[model].warmUp(tokens);
  return kind === "run" ? sessions[model].run(request) : sessions[model].tensor(name);
}

/** Return the buffers of a result: they are moved to the page instead of copied. */
function buffersOf(result) {
  return Object.values(result?.taps ?? {}).map(({data}) => data.buffer);
}

self.onmessage = ({data: {id, ...message}}) => {
  try {
    const result = handleMessage(message);
    self.postMessage({id, result}, buffersOf(result));
  } catch (error) {
    self.postMessage({id, error: error.message});
  }
};
