// What anywidget gives for bytes is a DataView.
export function total(view) {
  if (!(view instanceof DataView)) throw new TypeError("bytes must come as a DataView");
  let sum = 0;
  for (let i = 0; i < view.byteLength; i++) sum += view.getUint8(i);
  return sum;
}
