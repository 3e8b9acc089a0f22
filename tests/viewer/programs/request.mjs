// What every program of these tests does first and last: read a request, load code, and answer.

import {readFileSync} from "node:fs";

/** The request of the test. */
export const request = JSON.parse(readFileSync(0, "utf-8"));

/** Load a file of the viewer, such as text/tokenizer.js. */
export function load(file) {
  return import(`${process.argv[2]}/${file}`);
}

/** Give an answer to the test. */
export function answer(value) {
  process.stdout.write(JSON.stringify(value));
}
