// A figure that loads all parts of its real model, and its worker, when it is told to.
import { total } from "./bytes.js";

async function load({ name, size, parts, worker }) {
  const loaded = await Promise.all(parts.map((part) => part.load()));
  const sum = loaded.reduce((all, bytes) => all + total(bytes), 0);
  const told = loaded.every((bytes, n) => bytes.byteLength === parts[n].size);
  const text = await worker.load();
  return `${name} has ${size} bytes, as told: ${told}, sum ${sum}, ${text.includes("echoes")}`;
}

export default {
  render({ model, el }) {
    const button = document.createElement("button");
    button.textContent = "Load";
    button.addEventListener("click", async () => {
      button.textContent = await load(model.get("real_model")).catch((error) => error.message);
    });
    const root = document.createElement("div");
    Object.assign(root.dataset, { liveFigure: "Loader", ready: "true" });
    root.append(button);
    el.append(root);
  },
};
