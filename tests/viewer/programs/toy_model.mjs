// The `ToyModel` of tests/toy_models.py: logits from a table, indexed by a hash of source and past.
// A search that reorders its states wrongly therefore meets wrong logits.

/** Return a model for the searches of the viewer. With `byLength`, only the length of the past counts. */
export function toyModel(table, byLength) {
  const vocab = table[0].length;
  return {
    begin(sourceIds) {
      return [byLength ? 0 : sourceIds.reduce((sum, id, place) => sum + id * (place + 1), 0)];
    },
    step(state, tokens) {
      if (tokens.length !== state.length) throw new Error("each row needs one token");
      const next = state.map((value, row) =>
        byLength ? value + 1 : (value * 31 + tokens[row] * 17 + 7) % 997,
      );
      const logits = new Float32Array(next.length * vocab);
      next.forEach((value, row) => logits.set(table[value], row * vocab));
      return {logits, state: next};
    },
    select(state, rows) {
      return rows.map((row) => state[row]);
    },
  };
}
