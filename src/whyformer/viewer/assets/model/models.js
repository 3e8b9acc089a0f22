import {BERT, Electra} from "./bert.js";
import {GPT} from "./gpt.js";
import {RecurrentLanguageModel, RecurrentModel} from "./recurrent.js";
import {Transformer} from "./transformer.js";
import {Weights} from "./weights.js";

const MODEL_OF_FAMILY = {
  transformer: Transformer, rnn: RecurrentModel, gpt: GPT, "rnn-lm": RecurrentLanguageModel, bert: BERT, electra: Electra,
};

/** Build the model of a manifest. Args: buffer: the bytes of the weights. */
export function modelOf(manifest, buffer, weights = new Weights(manifest, buffer)) {
  return new MODEL_OF_FAMILY[manifest.family](weights, manifest.settings);
}
