// Lets the Tab key stop at a part of the page that scrolls by itself, such as a wide plot or
// a long line of code, as long as it holds more than it shows. Formulas are stops already
// (_ext/mathematics.py), and live figures see to their own parts (widgets/parts/controls.js).
(() => {
  const PARTS = "article :is(pre, table, .cell_output > .output, [style*='overflow'])";

  const nameOf = (part) => {
    if (part.matches(".output, .output pre")) return "output";
    if (part.matches("pre")) return "code";
    return part.matches("table") ? "table" : "plot";
  };

  const settle = (part) => {
    const wide = part.scrollWidth > part.clientWidth || part.scrollHeight > part.clientHeight;
    const scrolls = wide && /auto|scroll/.test(getComputedStyle(part).overflow);
    if (!scrolls) {
      part.removeAttribute("tabindex");
      return;
    }
    part.tabIndex = 0;
    if (!part.matches("table, [role]")) part.setAttribute("role", "group");
    if (!part.matches("[aria-label], [aria-labelledby]")) part.setAttribute("aria-label", nameOf(part));
  };

  // The first call comes when the page has its widths, further ones when they change.
  const observer = new ResizeObserver((entries) => entries.forEach(({ target }) => settle(target)));
  const parts = [...document.querySelectorAll(PARTS)].filter((part) => !part.closest(".tl-live"));
  parts.forEach((part) => observer.observe(part));

  // What stands in a section that is laid out late (custom.css) is looked at in idle moments.
  const idle = globalThis.requestIdleCallback ?? setTimeout;
  const settleNext = () => {
    if (!parts.length) return;
    settle(parts.shift());
    idle(settleNext);
  };
  idle(settleNext);
})();
