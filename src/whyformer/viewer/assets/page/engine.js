// Talk to the worker that holds the models, so that typing never waits for a calculation.

export function startWorker(source) {
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(address);
  const waiting = new Map();
  let last = 0;
  worker.onmessage = ({ data }) => {
    const { resolve, reject } = waiting.get(data.id) ?? {};
    waiting.delete(data.id);
    if (data.error !== undefined) reject?.(new Error(data.error));
    else resolve?.(data.result);
  };
  worker.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message || "The engine stopped."));
    waiting.clear();
  };
  return (kind, fields, moved = []) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      worker.postMessage({ id: last, kind, ...fields }, moved);
    });
}

// Decode base64 in parts, so that the page can be drawn in between.
export async function decoded(text) {
  const part = 1 << 20;
  const clean = text.trim();
  const ending = clean.endsWith("==") ? 2 : clean.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((clean.length / 4) * 3 - ending);
  let at = 0;
  for (let start = 0; start < clean.length; start += part) {
    const binary = atob(clean.slice(start, start + part));
    for (let k = 0; k < binary.length; k += 1) bytes[at + k] = binary.charCodeAt(k);
    at += binary.length;
    if (clean.length > 8 * part) await new Promise((done) => setTimeout(done));
  }
  return bytes.buffer;
}

// Run requests one after the other. Only the newest waiting request is kept, and the answer to a
// request that is no longer wanted is dropped.
export function makeRunner(run) {
  let busy = false;
  let next = null;
  const start = async (job) => {
    busy = true;
    let answer = null;
    let error = null;
    try {
      answer = await run(job.request);
    } catch (caught) {
      error = caught;
    }
    busy = false;
    if (next) {
      const newer = next;
      next = null;
      start(newer);
    } else job.done(answer, error);
  };
  return (request, done) => {
    const job = { request, done };
    if (busy) next = job;
    else start(job);
  };
}
