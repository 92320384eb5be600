"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// A click on a column's head sorts by it, best first; a second click turns the order round.
for (const button of all("th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th"), table = head.closest("table"), body = table.tBodies[0];
    const first = head.dataset.first;
    const turned = first === "ascending" ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? turned : first;
    all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order);
    const value = (row) => row.cells[head.cellIndex].dataset.value;
    const compare = (a, b) => {
      const x = value(a), y = value(b);
      if (x === "" || y === "") return (x === "") - (y === "");  // what is missing comes last
      const by = isNaN(x) || isNaN(y) ? x.localeCompare(y) : Number(x) === Number(y) ? 0 : x - y;
      return order === "ascending" ? by : -by;
    };
    body.append(...[...body.rows].sort(compare));
    const key = head.dataset.metric;
    if (key) {
      all("[data-ranks]", body).forEach((cell) => (cell.textContent = JSON.parse(cell.dataset.ranks)[key] ?? "–"));
      all(".ranked-by", table.closest("section")).forEach((text) => (text.textContent = head.dataset.title));
    }
  });
}

// A model of the legend stands out in all charts of its section, when pointed at or pressed.
for (const legend of all(".legend")) {
  const lines = all("path[data-series]", legend.parentElement), buttons = all("button", legend);
  let pressed = new Set();
  const show = (series) =>
    lines.forEach((line) => line.classList.toggle("dim", series.size > 0 && !series.has(line.dataset.series)));
  for (const button of buttons) {
    const one = button.dataset.series;
    button.addEventListener("click", () => {
      pressed.delete(one) || pressed.add(one);
      button.setAttribute("aria-pressed", pressed.has(one));
      show(pressed);
    });
    button.addEventListener("pointerenter", () => show(new Set([...pressed, one])));
    button.addEventListener("pointerleave", () => show(pressed));
  }
}

// Buttons that choose which of several parts is seen. Without JavaScript all are.
for (const tabs of all(".tabs")) {
  const buttons = all("button", tabs);
  const choose = (chosen) => {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", button === chosen);
      for (const part of all(`[data-part="${button.dataset.shows}"]`, tabs.parentElement)) part.hidden = button !== chosen;
    }
  };
  buttons.forEach((button) => button.addEventListener("click", () => choose(button)));
  if (buttons.length) choose(buttons[0]);
  tabs.hidden = buttons.length < 2;
}
