// Translate by greedy search with onnxruntime-web: node onnx_translate.mjs DIRECTORY TEXT
import { existsSync, readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-web";

const [FIRST_BYTE, FIRST_PIECE, BOS, EOS] = [5, 261, 1, 2];
const [place, text] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(`${place}/${name}.json`, "utf8"));
const source = read("source");
const target = existsSync(`${place}/target.json`) ? read("target") : source;
if (source.units !== "chars" || !["chars", "phonemes"].includes(target.units)) {
  console.error("This program needs a source in chars, and a target in chars or phonemes.");
  process.exit(1);
}
const open = (name) => InferenceSession.create(readFileSync(`${place}/${name}.onnx`));
const [encoder, decoder] = [await open("encoder"), await open("decoder")];

// Text to ids, for the units chars.
const bytes = (piece) => [...new TextEncoder().encode(piece)];
const plain = (source.lowercase ? text.toLowerCase() : text).normalize("NFC");
const known = new Map(source.pieces.map((piece, number) => [piece, [FIRST_PIECE + number]]));
const spell = (piece) => known.get(piece) ?? bytes(piece).map((byte) => FIRST_BYTE + byte);
const ids = [...[...plain].flatMap(spell), EOS];

const integers = (row) => new Tensor("int64", BigInt64Array.from(row, BigInt), [1, row.length]);
const mask = new Tensor("bool", new Uint8Array(ids.length).fill(1), [1, ids.length]);
const memories = await encoder.run({ source: integers(ids), source_mask: mask });
const feeds = { ...memories, source_mask: mask };
const empty = decoder.inputMetadata.filter(({ name }) => name.startsWith("past_"));
for (const { name, shape } of empty)  // (1, heads, 0, width of a head)
  feeds[name] = new Tensor("float32", new Float32Array(0), [1, shape[1], 0, shape[3]]);
const names = ["logits", ...empty.map(({ name }) => name.replace("past", "present"))];
const found = [BOS];
while (found.at(-1) !== EOS && found.length <= 100) {
  const tokens = integers(found.slice(-1));
  const { logits, ...present } = await decoder.run({ ...feeds, tokens }, names);
  for (const symbol of [0, 1, 3, 4]) logits.data[symbol] = -Infinity;  // pad, bos, unk and mask
  found.push(logits.data.indexOf(logits.data.reduce((a, b) => Math.max(a, b))));
  for (const name in present) feeds[name.replace("present", "past")] = present[name];
}

// Ids to text, for the units chars and phonemes.
const space = target.units === "chars" ? [] : bytes(" ");
const piece = (id) => target.pieces[id - FIRST_PIECE];
const show = (id) => (id < FIRST_PIECE ? [id - FIRST_BYTE] : bytes(piece(id)));
const words = found.slice(1).filter((id) => id !== EOS).map(show);
const joined = words.flatMap((word, number) => (number ? [...space, ...word] : word));
console.log(new TextDecoder().decode(Uint8Array.from(joined)));
