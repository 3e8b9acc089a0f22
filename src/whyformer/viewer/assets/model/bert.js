import {EncoderLayer} from "./transformer.js";
import {Linear, gelu, linearOf, normOf} from "./blocks.js";
import {CharacterNgrams, ngramRow} from "./ngrams.js";
import {placesFrom, positionsOf} from "./positions.js";
import {add, meanRow, stackRows, Tensor} from "./tensors.js";

const HEAD_LAYERS = {tanh: Math.tanh, gelu};

/** Embeddings, N encoder layers in which every token attends to all tokens, and heads (Devlin et al. 2018).
 *
 * Layers that share their weights (ALBERT) have further names for the same weights in the manifest.
 */
export class BERT {
  constructor(weights, settings, prefix = "") {
    this.settings = settings;
    this.prefix = prefix;
    this.tokens = weights.get(`${prefix}embedding.tokens.weight`);
    this.segments = weights.get(`${prefix}embedding.segments.weight`);
    this.ngrams = weights.find(`${prefix}embedding.ngrams.table.weight`);
    this.ngramProjection = linearOf(weights, `${prefix}embedding.ngrams.project`);
    this.embeddingNorm = normOf(weights, `${prefix}embedding.norm`, settings);
    this.widen = linearOf(weights, `${prefix}embedding.widen`);
    this.positions = positionsOf(weights, `${prefix}positions`, settings, {width: settings.width_of_embeddings, causal: false});
    this.layers = placesFrom(0, settings.layers).map((i) => new EncoderLayer(weights, `${prefix}layers.${i}`, settings));
    this.finalNorm = normOf(weights, `${prefix}final_norm`, settings);
    this.pooler = linearOf(weights, `${prefix}pooler`);
    this.answer = linearOf(weights, `${prefix}answer`);
    this.nextSentence = linearOf(weights, `${prefix}next_sentence`);
    this.transform = linearOf(weights, `${prefix}masked.transform`);
    this.maskedNorm = normOf(weights, `${prefix}masked.norm`, settings);
    this.maskedBias = weights.find(`${prefix}masked.bias`);
    this.characters = settings.reads_characters ? new CharacterNgrams(weights, settings) : null;
  }

  /** Return a vector for each token. Args: segments: 0 or 1 for each token. */
  features(ids, segments, probe) {
    const places = placesFrom(0, ids.length);
    let x = add(stackRows(ids.map((id) => this.tokens.row(id))), stackRows(segments.map((one) => this.segments.row(one))));
    if (this.ngrams !== null) x = add(x, this.ngramProjection.of(stackRows(places.map((i) => this.ngramVector(ids, i)))));
    x = this.embeddingNorm(this.positions.embed(x, places, probe));
    if (this.widen !== null) x = this.widen.of(x);
    probe.output(`${this.prefix}embedding`, x);
    for (const layer of this.layers) {
      x = layer.of(x, probe, {positions: this.positions, places});
      probe.stream(layer.name, x);
    }
    return this.finalNorm(x);
  }

  /** Return the sum of the vectors of the n-grams that end at token i. */
  ngramVector(ids, i) {
    const [rows, width] = this.ngrams.shape;
    const sum = new Float32Array(width);
    for (let size = 2; size <= this.settings.ngrams; size += 1) {
      this.ngrams.row(ngramRow(ids, i, size, rows)).forEach((value, k) => { sum[k] += value; });
    }
    return sum;
  }

  /** Return the logits of the masked tokens: E · LayerNorm(GELU(Wx + b)) + bias, with the embeddings E. */
  masked(x) {
    const y = this.maskedNorm(this.transform.of(x).map(gelu));
    return new Linear(this.tokens, this.maskedBias).of(y);
  }

  /** Return the vector of the whole text that the task head reads, as one row. */
  textVector(x) {
    if (this.settings.pooling === "mean") return meanRow(x);
    return new Tensor([1, x.width], x.row(0));
  }

  /** Tell the model the characters of each id, if it reads them. Args: spellings: the bytes of each id. */
  learnSpellings(spellings) {
    this.characters?.learnSpellings(spellings);
  }

  /** Return the outputs of the task head: one row for the whole text, or one for each token. Args: ids: the tokens of x. */
  answers(x, ids) {
    return this.characters === null ? this.ofEncoder(x) : add(this.ofEncoder(x), this.characters.of(ids));
  }

  ofEncoder(x) {
    const read = this.settings.answer_of === "text" ? this.textVector(x) : x;
    const activation = HEAD_LAYERS[this.settings.layer_of_head];
    return this.answer.of(activation === undefined ? read : this.pooler.of(read).map(activation));
  }

  /** Return two logits: the second text follows the first text, or it does not. */
  follows(x) {
    return this.nextSentence.of(this.pooler.of(new Tensor([1, x.width], x.row(0))).map(Math.tanh));
  }
}

/** ELECTRA: a small BERT predicts masked tokens, a larger one detects replaced tokens (Clark et al. 2020, §2). */
export class Electra {
  constructor(weights, settings) {
    this.discriminator = new BERT(weights, settings.discriminator, "discriminator.");
    this.generator = new BERT(weights, settings.generator, "generator.");
  }
}
