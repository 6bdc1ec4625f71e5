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

  const makeStop = (part) => {
    part.tabIndex = 0;
    if (!part.matches("table, [role]")) part.setAttribute("role", "group");
    if (!part.matches("[aria-label], [aria-labelledby]")) part.setAttribute("aria-label", nameOf(part));
  };

  const settle = (part) => {
    const wide = part.scrollWidth > part.clientWidth || part.scrollHeight > part.clientHeight;
    if (wide && /auto|scroll/.test(getComputedStyle(part).overflow)) makeStop(part);
    else part.removeAttribute("tabindex");
  };

  // The first call comes when a part has its width, further ones when that changes. Until
  // then, in a section that is laid out late (custom.css), it may scroll and so is a stop.
  const observer = new ResizeObserver((entries) => entries.forEach(({ target }) => settle(target)));
  for (const part of document.querySelectorAll(PARTS)) {
    if (part.closest(".tl-live")) continue;
    if (part.checkVisibility?.({ contentVisibilityAuto: true }) === false) makeStop(part);
    observer.observe(part);
  }
})();
