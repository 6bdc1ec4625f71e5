// A figure as small as can be: it shows the sum of its bytes, times a slider.
import { total as sum } from "./bytes.js";

export default {
  render({ model, el }) {
    if (model.get("broken")) throw new Error("broken on purpose");
    const root = document.createElement("div");
    root.className = "tl-figure";
    root.dataset.liveFigure = "Tiny";
    const label = document.createElement("label");
    label.textContent = "Times";
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: 1, max: 9, value: 1 });
    const shown = document.createElement("p");
    const draw = () => {
      shown.textContent = `${model.get("text")}: ${sum(model.get("content")) * model.get("times")}`;
    };
    slider.addEventListener("input", () => {
      model.set("times", Number(slider.value));
      model.save_changes();
    });
    model.on("change:times", draw);
    const more = document.createElement("button");
    more.textContent = "More";
    more.addEventListener("click", async () => {
      const values = await Promise.all(model.get("more").map((bytes) => bytes.load()));
      more.textContent = values.map((bytes, n) => `${model.get("more")[n].size}: ${sum(bytes)}`).join();
    });
    label.append(slider);
    root.append(label, more, shown);
    el.append(root);
    draw();
    root.dataset.ready = "true";
  },
};
