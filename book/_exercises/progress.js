// What the reader has done: counted in the sidebar, and above a page's exercises.

import { button, make, megabytes, say } from "./nodes.js";

// Which exercises each chapter has, put in by book/_ext/live_exercises.py: their names in the
// chapter's order, with spaces between.
const chapters = /** @type {Record<string, string>} */ (/** @type {any} */ (globalThis).CHAPTERS);

/** The names of the exercises on the page of an address; some servers leave out ".html". */
export const namesOn = ({ pathname }) =>
  chapters[/([^/]*?)(\.html)?\/?$/.exec(pathname)[1]]?.split(" ") ?? [];

export const isInBook = (name) => Object.values(chapters).join(" ").split(" ").includes(name);

const countSolved = (names, record) => names.filter((name) => record.get(name).solved).length;

/** Beside each chapter of which something is solved: "2 of 3". */
export function countInSidebar(record) {
  document.querySelectorAll(".tl-count").forEach((count) => count.remove());
  const links = /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll(".bd-docs-nav a"));
  for (const link of links) {
    const names = namesOn(link);
    const done = countSolved(names, record);
    if (!done) continue;
    const all = done === names.length;
    link.append(make("span", { className: `tl-count ${all ? "tl-right" : ""}` },
      `${all ? "✓ " : ""}${done} of ${names.length}`,
      make("span", { className: "tl-spoken" }, " exercises solved")));
  }
}

/**
 * The lines above a page's exercises, and what can be done with all that the reader has
 * written (keeping.js, which comes with the workbench).
 * @param {Element} first the page's first exercise
 * @param {{ names: string[], size: number, record, bring: () => Promise<any>, onChange: () => void }} page
 *   `size`: bytes that the first Run loads
 */
export function summary(first, page) {
  const { names, size, record, bring, onChange } = page;
  const count = make("strong");
  const trouble = make("p", { className: "tl-wrong", role: "alert" });
  const said = make("p", { role: "status" });
  const refresh = () => {
    count.textContent = `${countSolved(names, record)} of ${names.length} solved.`;
    say(trouble, record.trouble);
  };
  const choice = (text, action) => button(text, async () => {
    try {
      const sentence = await (await bring())[action]({ names, record });
      onChange();
      said.textContent = sentence;
    } catch (error) {
      said.textContent = error.message;
    }
  });
  const block = make("div", { className: "tl-summary" },
    make("p", {}, count, ` The first Run loads Python (${megabytes(size)}). What you write `
      + `stays in this browser and is sent nowhere.`),
    make("div", { className: "tl-row" }, choice("Save to a file", "save"), choice("Read a file", "read"),
      choice("Start over", "startOver")),
    trouble, said); // under the buttons, which do not move while they are pressed
  first.closest("section").querySelector("h2").after(block);
  return { refresh };
}
