// Lays out what was left for later (custom.css) in idle moments after the page has come:
// whoever takes a picture of the whole page, or has it read aloud, gets all.
addEventListener("load", () => {
  const ENOUGH = 40; // milliseconds of an idle moment (50 at most) that are left for the browser
  const waiting = [...document.querySelectorAll(".bd-article > section > section > *")];
  const whenIdle = window.requestIdleCallback
    ?? ((action) => setTimeout(() => action({ didTimeout: false, timeRemaining: () => 0 }), 50));
  const layOut = (moment) => {
    do {
      const next = waiting.shift();
      if (!next) return;
      next.classList.add("laid-out");
      next.getBoundingClientRect(); // here and now: its time is known before the next one begins
    } while (moment.timeRemaining() > ENOUGH);
    whenIdle(layOut);
  };
  whenIdle(layOut);
  // Whoever goes to another place in the page shall not see it move when what is above it
  // takes its height.
  addEventListener("hashchange", () => {
    if (!waiting.length) return;
    for (const rest of waiting.splice(0)) rest.classList.add("laid-out");
    document.querySelector(":target")?.scrollIntoView();
  });
});
