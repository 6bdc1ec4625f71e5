// Bytes that need not be there at first (`_later` in the figure's Python class).

// In a notebook the bytes are there; in a built page { size, load } stands for them.
// A figure that asks for them waits for either.
export async function bytesOf(value) {
  return value.load ? value.load() : value;
}

// What a reader should know before they are loaded: "0.3 MB"; null if they are there.
export function sizeInWords(value) {
  return value.load ? `${Math.max(0.1, value.size / 1e6).toFixed(1)} MB` : null;
}
