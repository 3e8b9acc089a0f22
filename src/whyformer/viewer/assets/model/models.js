import {Transformer} from "./transformer.js";
import {Weights} from "./weights.js";

const MODEL_OF_FAMILY = {transformer: Transformer};

/** Build the model of a manifest. Args: buffer: the bytes of the weights. */
export function modelOf(manifest, buffer, weights = new Weights(manifest, buffer)) {
  return new MODEL_OF_FAMILY[manifest.family](weights, manifest.settings);
}
