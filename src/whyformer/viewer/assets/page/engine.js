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
  const ask = (kind, fields, moved = []) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      worker.postMessage({ id: last, kind, ...fields }, moved);
    });
  ask.isBusy = () => waiting.size > 0;
  return ask;
}

const WARM_UPS = 6; // short runs; after them, the browser has compiled the engine
const PAUSE = 20; // milliseconds between two of them, in which a request can begin
const LONGEST_WARM_UP = 150; // milliseconds: a larger model would let a person wait

// Run the engine a few times while nothing is asked, so that the first answer is not slower than the others.
export async function warmUp(runs, isIdle) {
  for (let done = 0; done < WARM_UPS * runs.length; ) {
    await new Promise((wait) => setTimeout(wait, PAUSE));
    if (!isIdle()) continue;
    const start = performance.now();
    try {
      await runs[done % runs.length](1 + Math.floor(done / runs.length)); // the first runs are slow, so they are short
    } catch {
      return; // the first request of a person will say what is wrong
    }
    done += 1;
    if (done > runs.length && performance.now() - start > LONGEST_WARM_UP) return;
  }
}

// Decode base64: at once where the browser can, else in parts, so that the page can be drawn in between.
export async function decoded(text) {
  const part = 1 << 20;
  const clean = text.trim();
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(clean).buffer;
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
