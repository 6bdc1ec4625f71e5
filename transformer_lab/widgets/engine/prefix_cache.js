// Prefix caching: of a text that grows or changes at its end, only the end is run.
//
// The keys and values of the tokens that a text has in common with the one before are
// kept (attention.js), and so is where these tokens looked. Taught in chapter 12.

export class PrefixCache {
  constructor(decoder) {
    this.decoder = decoder;
    this.layers = decoder.newCache();
    this.ids = []; // the tokens whose keys and values are kept
    this.attention = [];
  }

  // What comes after these tokens (one at least), as `decoder.forward` says it.
  // Returns { logits, attention }: logits.at(-1) is V numbers; attention[layer][head][t]
  // is the t + 1 weights with which token t looks at itself and at what came before.
  forward(ids) {
    let nKept = 0; // the last token is always run: its logits are asked for
    while (nKept < ids.length - 1 && ids[nKept] === this.ids[nKept]) nKept++;
    this.ids.length = nKept;
    for (const layer of this.layers) layer.length = nKept;
    const { logits, attention } = this.decoder.forward(ids.slice(nKept),
      { cache: this.layers, lastOnly: true });
    this.ids = [...ids];
    this.attention = attention.map((heads, layer) => heads.map((rows, head) => [
      ...(this.attention[layer]?.[head].slice(0, nKept) ?? []),
      ...rows.map((row, t) => row.subarray(0, nKept + t + 1)),
    ]));
    return { logits, attention: this.attention };
  }
}
