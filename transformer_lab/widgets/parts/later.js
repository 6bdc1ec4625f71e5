// Bytes that need not be there at first (`_later` in the figure's Python class), and the
// parts of a real model, which the page asks for one by one.

const MOST_MS = 60_000; // long: with the first part the kernel makes them all
const NO_ANSWER = "the notebook's kernel has not answered for a minute: it is busy or has ended, "
  + "so wait for it or run the cell again, and then try once more";
const NO_KERNEL = "the notebook's kernel has ended: run the cell again, and then try once more";

// In a notebook the bytes are there; in a built page { size, load } stands for them.
// A figure that asks for them waits for either.
export async function bytesOf(value) {
  return value.load ? value.load() : value;
}

// What a reader should know before they are loaded: "0.3 MB"; null if they are there.
export function sizeInWords(value) {
  return value.load ? `${Math.max(0.1, value.size / 1e6).toFixed(1)} MB` : null;
}

/**
 * The figure's real model, the same in a built page and in a notebook, where its files are
 * with the kernel (`RealModelFigure` in widgets/real_model.py): nothing of them is kept here.
 *
 * @param {any} model the widget's
 * @returns {{ name: string, size: number, worker: { load: () => Promise<string> },
 *   parts: { name: string, size: number, url: string | null, load: () => Promise<DataView> }[] } | null}
 */
export function realModelOf(model) {
  const real = model.get("real_model") ?? null;
  if (real === null || real.worker.load) return real;
  const textOf = async (name) => new TextDecoder().decode(await askKernel(model, name));
  return {
    ...real,
    worker: { load: () => textOf(real.worker.$module) },
    parts: real.parts.map(({ $asset: name, size }) => (
      { name, size, url: null, load: () => askKernel(model, name) })),
  };
}

// A file that the kernel has, as DataView. To a kernel that has ended nothing can be sent, or
// it never answers.
function askKernel(model, name) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(reject, new Error(NO_ANSWER)), MOST_MS);
    const hear = ({ file, error }, [bytes] = []) => {
      if (file !== name) return;
      if (error) end(reject, new Error(error));
      else end(resolve, bytes);
    };
    const end = (settle, value) => {
      clearTimeout(timer);
      model.off("msg:custom", hear);
      settle(value);
    };
    model.on("msg:custom", hear);
    try {
      model.send({ file: name });
    } catch {
      end(reject, new Error(NO_KERNEL));
    }
  });
}
