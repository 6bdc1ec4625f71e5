// The vectors of a token in its text: its row of the table, then what each block makes of it.
//
// Taught in chapter 11.

/**
 * @param {any} model a decoder or an encoder
 * @param {number[]} ids a text (T)
 * @param {number[]} places of the tokens that are wanted, from 0
 * @returns {Float32Array[][]} for each place one vector (D) for each layer, the token's own first
 */
export function vectorsAt(model, ids, places) {
  const size = model.config.d_model;
  const layers = []; // each (T, D)
  model.forward(ids, {
    lastOnly: true, // nobody asks for logits
    record: (name, values) => {
      if (name === "embeddings.token") layers[0] = values;
      const block = name.match(/^blocks\.(\d+)$/);
      if (block) layers[Number(block[1]) + 1] = values;
    },
  });
  return places.map((at) => layers.map((values) => values.slice(at * size, (at + 1) * size)));
}
