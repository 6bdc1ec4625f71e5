// Lays out the sections that were left for later (custom.css), one in each idle moment after
// the page has come: whoever takes a picture of the whole page, or has it read aloud, gets all.
addEventListener("load", () => {
  const waiting = [...document.querySelectorAll(".bd-article > section > section")];
  const whenIdle = window.requestIdleCallback ?? ((action) => setTimeout(action, 200));
  const layOutNext = () => {
    const section = waiting.shift();
    if (!section) return;
    section.classList.add("laid-out");
    section.getBoundingClientRect(); // here and now, so that no two are laid out in one go
    whenIdle(layOutNext);
  };
  whenIdle(layOutNext);
});
