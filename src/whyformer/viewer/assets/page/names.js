// The parts of a model in words.
import {say} from "./words.js";
import {visible} from "./numbers.js";

const HEAD = /^(.*)\.heads\.(\d+)$/;
const LAYER = /^(.*?)layers\.(\d+)(?:\.(.+))?$/;

// What kind of part a name is: the key of its words and of its question in the laboratory.
export function kindOf(name) {
  if (["skip", "positions", "scale"].includes(name)) return name;
  if (name.endsWith(".skip")) return "skip";
  if (HEAD.test(name)) return "head";
  const part = LAYER.exec(name)?.[3];
  if (part) return part;
  if (LAYER.test(name)) return "layer";
  return name.endsWith("attention") ? "cross_attention" : name.split(".").at(-1);
}

// A part in words, such as "Encoder, layer 1, self-attention, head 3".
export function partName(name, description) {
  if (["skip", "positions", "scale", "projection"].includes(name)) return say(`part.${name}`);
  const head = HEAD.exec(name);
  if (head) return `${partName(head[1], description)}, ${say("part.head", { number: Number(head[2]) + 1 })}`;
  const found = LAYER.exec(name);
  const side = stackName(name, description);
  if (!found) return sentence([side, say(`part.${kindOf(name)}`)]);
  const layer = say("part.layer", { number: Number(found[2]) + 1 });
  const part = found[3];
  const skip = /^wire_(.*)\.skip$/.exec(part ?? "");
  const last = skip ? say("part.skip_around", { part: partWord(skip[1], name, description).toLowerCase() }) : part ? partWord(part, name, description) : null;
  return sentence([side, layer, last]);
}

// Join words to one name: only the first begins with a capital letter.
function sentence(words) {
  return words.filter(Boolean).map((word, k) => (k ? word[0].toLowerCase() + word.slice(1) : word)).join(", ");
}

export function partWord(part, name, description) {
  const causal = part === "self_attention" && (name.startsWith("decoder") || description.family === "gpt");
  return say(causal ? "part.masked_self_attention" : `part.${part}`);
}

function stackName(name) {
  const stack = ["encoder", "decoder", "discriminator", "generator"].find((one) => name.startsWith(`${one}.`));
  return stack ? say(`part.${stack}`) : null;
}

// The name of an attention, from the name of its weights.
export function attentionOf(tap) {
  return tap.replace(/\.weights$/, "");
}

// A token as it is shown to a person; special tokens become words.
export function tokenName(token, description) {
  const special = description.special ?? {};
  for (const kind of ["begin", "end", "mask", "unknown"]) {
    if (special[kind] && token === special[kind]) return say(`token.${kind}`);
  }
  return visible(token);
}

// The names of the rows and columns of an attention: queries and keys.
export function axesOf(attention, pane) {
  const { result, description } = pane;
  const named = (tokens) => (tokens ?? []).map((one) => tokenName(one, description));
  const target = result.target ?? {};
  const inputs = target.inputs ?? [description.special?.begin ?? "<s>", ...(target.tokens ?? []).slice(0, -1)];
  if (/cross_attention$/.test(attention) || attention === "decoder.attention") {
    return { queries: named(target.tokens), keys: named(result.source?.tokens) };
  }
  const own = attention.startsWith("encoder") || !target.tokens || result.source?.tokens && !attention.startsWith("decoder");
  const names = own ? named(result.source?.tokens) : named(inputs);
  return { queries: names, keys: names };
}
