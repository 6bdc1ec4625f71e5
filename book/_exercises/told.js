// What a reader is told after a Run.

/**
 * The kind of what came of a Run ("right", "wrong" or "error", as a cell's data-verdict has
 * it; "done" where there is nothing to judge), and a sentence.
 * @param {string | null} name of the exercise; null for a cell that is none
 * @param {{ stopped?: boolean, seconds?: number, output: string,
 *   error?: { sentence: string, line: number | null },
 *   verdict?: { name: string, right: boolean, message: string, line?: number | null } }} outcome
 */
export function told(name, { stopped, seconds, output, error, verdict }) {
  if (stopped) {
    return { kind: "error", sentence: `Stopped after ${seconds} s. Does a loop in it never end? `
      + "The next Run starts Python anew." };
  }
  if (error) return { kind: "error", sentence: withLine(error.line, error.sentence) };
  if (verdict) return judged(name, verdict);
  if (name) {
    return { kind: "wrong", sentence: `✗ Nothing was checked at the end: ${ending(name)}` };
  }
  return { kind: "done", sentence: output ? "" : "It has run, and prints nothing." };
}

function judged(name, verdict) {
  if (name && verdict.name !== name) {
    return { kind: "wrong", sentence: `✗ This has checked ${verdict.name}: ${ending(name)}` };
  }
  if (verdict.right) return { kind: "right", sentence: `✓ ${verdict.message}` };
  return { kind: "wrong", sentence: `✗ ${withLine(verdict.line, verdict.message)}` };
}

const ending = (name) => `your answer counts when the cell ends with check("${name}", ${name}).`;

const withLine = (line, sentence) => (line ? `Line ${line}: ${sentence}` : sentence);
