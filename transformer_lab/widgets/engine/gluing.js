// Gluing the pairs of a word until none is left that can be glued.
//
// As `glue_all` in transformer_lab/tokenization/merging.py. Pairs wait in a heap and
// each piece knows its neighbours, so that a word of n letters takes about n log n.

// ids: the pieces of a word. mergeOf(left, right): { rank, id } of the glued piece,
// or undefined. The lowest rank is glued first, from the left.
export function glueAll(ids, mergeOf) {
  const pieces = [...ids];
  const after = pieces.map((_, i) => i + 1), before = pieces.map((_, i) => i - 1);
  const heap = [];

  const wait = (left, right) => {
    if (left < 0 || right >= pieces.length) return;
    const merge = mergeOf(pieces[left], pieces[right]);
    if (merge) push(heap, { ...merge, left, first: pieces[left], second: pieces[right] });
  };

  for (let left = 0; left + 1 < pieces.length; left++) wait(left, left + 1);
  while (heap.length) {
    const { left, first, second, id } = pop(heap);
    const right = after[left];
    // One of the two may have been glued to something else meanwhile.
    if (right >= pieces.length || pieces[left] !== first || pieces[right] !== second) continue;
    pieces[left] = id;
    pieces[right] = null;
    after[left] = after[right];
    if (after[right] < pieces.length) before[after[right]] = left;
    wait(before[left], left);
    wait(left, after[left]);
  }
  return pieces.filter((piece) => piece !== null);
}

const comesFirst = (a, b) => a.rank < b.rank || (a.rank === b.rank && a.left < b.left);

function push(heap, item) {
  let at = heap.push(item) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!comesFirst(item, heap[parent])) break;
    heap[at] = heap[parent];
    at = parent;
  }
  heap[at] = item;
}

function pop(heap) {
  const top = heap[0], last = heap.pop();
  if (!heap.length) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && comesFirst(heap[child + 1], heap[child])) child++;
    if (!comesFirst(heap[child], last)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = last;
  return top;
}
