// Prefix caching: of a text that grows or changes at its end, only the end is run.
//
// The keys and values of the tokens that a text has in common with the one before are
// kept (attention.js), and so is where these tokens looked. Taught in chapter 12.

export class PrefixCache {
  constructor(decoder) {
    this.decoder = decoder;
    this.layers = decoder.newCache();
    this.ids = []; // the tokens whose keys and values are kept
    this.attention = []; // where the first of them looked, as far as it was asked for
    /** @type {boolean | "mean"} */
    this.kind = true; // what was asked for: of each head, or their "mean"
  }

  // What comes after these tokens (one at least), as `decoder.forward` says it.
  // Returns { logits, attention }: logits.at(-1) is V numbers; attention[layer][head][t]
  // is the t + 1 weights with which token t looks at itself and at what came before.
  forward(ids) {
    let logits;
    for (logits of this.pieces(ids, { nAtOnce: ids.length, attention: true })) { /* one piece */ }
    return { logits: [logits], attention: this.attention };
  }

  // The same, a few tokens at a time, so that a long text can be given up in between.
  // Yields V logits after each piece; the last ones are those after the whole text. With
  // attention "mean" a layer has only the mean of its heads, as if it were the only one.
  // Other options are those of `decoder.forward`.
  *pieces(ids, { nAtOnce, attention = false, ...options }) {
    this.keepWhatIsCommon(ids, attention);
    for (let from = this.ids.length; from < ids.length; from += nAtOnce) {
      const piece = ids.slice(from, from + nAtOnce);
      const ran = this.decoder.forward(piece,
        { ...options, cache: this.layers, lastOnly: true, keepAttention: Boolean(attention) });
      this.ids.push(...piece);
      if (attention) this.keepAttention(ran.attention, from);
      yield ran.logits.at(-1);
    }
  }

  // The last token is always run: its logits are asked for.
  keepWhatIsCommon(ids, attention) {
    if (attention && attention !== this.kind) this.attention = [];
    this.kind = attention || this.kind;
    const nKnown = attention ? this.attention[0]?.[0].length ?? 0 : Infinity;
    const most = Math.min(ids.length - 1, nKnown);
    let nKept = 0;
    while (nKept < most && ids[nKept] === this.ids[nKept]) nKept++;
    this.cutTo(nKept);
  }

  // Forgets all tokens but the first ones.
  cutTo(nKept) {
    this.ids.length = nKept;
    for (const layer of this.layers) layer.length = nKept;
    this.attention = this.attention.map((heads) => heads.map((rows) => rows.slice(0, nKept)));
  }

  keepAttention(attention, from) {
    this.attention = attention.map((all, layer) => {
      const heads = this.kind === "mean" ? [meanOf(all)] : all;
      return heads.map((rows, head) => [
        ...(this.attention[layer]?.[head] ?? []), ...rows.map((row, t) => row.subarray(0, from + t + 1)),
      ]);
    });
  }
}

function meanOf(heads) {
  return heads[0].map((row, t) => {
    const mean = new Float32Array(row.length);
    for (const rows of heads) for (let s = 0; s < mean.length; s++) mean[s] += rows[t][s] / heads.length;
    return mean;
  });
}
