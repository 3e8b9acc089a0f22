// The names of everything that a person can switch off in a model.

/** Return the names of all switches of a model. */
export function switchesOf({settings}, weights) {
  const {wiring, positions, score_scale: scale} = settings;
  const general = [
    ...(["no-skip", undefined].includes(wiring) ? [] : ["skip"]),
    ...(["none", undefined].includes(positions) ? [] : ["positions"]),
    ...(["none", undefined].includes(scale) ? [] : ["scale"]),
  ];
  if (settings.family === "rnn") return switchesOfRecurrent(settings);
  const stacks = ["encoder.", "decoder.", "", "discriminator.", "generator."];
  return [...general, ...stacks.flatMap((stack) => switchesOfStack(stack, settings, weights))];
}

function switchesOfStack(stack, settings, weights) {
  if (weights.find(`${stack}layers.0.self_attention.project_query.weight`) === null) return [];
  const {heads} = stack === "generator." ? settings.generator : settings;
  const places = settings.positions === "none" || stack === "" ? [] : [`${stack}positions`];
  const layers = Array.from({length: weights.count(`${stack}layers`)}, (_, i) => `${stack}layers.${i}`);
  return [...places, ...layers.flatMap((layer) => switchesOfLayer(layer, heads, settings.wiring, weights))];
}

function switchesOfLayer(layer, heads, wiring, weights) {
  const attentions = ["self_attention", "cross_attention"].filter(
    (one) => weights.find(`${layer}.${one}.project_query.weight`) !== null);
  const sublayers = [...attentions, "feedforward"];
  return [
    layer,
    ...sublayers.map((one) => `${layer}.${one}`),
    ...(wiring === "no-skip" ? [] : sublayers.map((one) => `${layer}.wire_${one}.skip`)),
    ...attentions.flatMap((one) => Array.from({length: heads}, (_, head) => `${layer}.${one}.heads.${head}`)),
  ];
}

function switchesOfRecurrent(settings) {
  const directions = settings.bidirectional ? ["onward", "backward"] : ["onward"];
  return [
    ...Array.from({length: settings.encoder_layers}, (_, i) => directions.map((one) => `encoder.layers.${i}.${one}`)).flat(),
    ...(settings.attention === "none" ? [] : ["decoder.attention"]),
    ...(settings.input_feeding ? ["decoder.input_feeding"] : []),
  ];
}
