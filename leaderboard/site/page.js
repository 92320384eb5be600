"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// What is chosen on the page stands in its address, after that of a place: #scores?columns=psnr,ssim&sort=-psnr
const chosen = new URLSearchParams();
const followers = [];  // called when something else is chosen by the address
const place = () => location.hash.slice(1).split("?")[0];

function keep(name, value) {
  value === null ? chosen.delete(name) : chosen.set(name, value);
  const query = chosen.toString().replaceAll("%2C", ",");
  const address = "#" + place() + (query && "?" + query);
  history.replaceState(null, "", address === "#" ? location.pathname + location.search : address);
}

function open() {
  const query = location.hash.split("?")[1];
  if (query !== undefined) {
    [...chosen.keys()].forEach((name) => chosen.delete(name));
    new URLSearchParams(query).forEach((value, name) => chosen.set(name, value));
    followers.forEach((follow) => follow());
  } else if ([...chosen].length) keep("", null);  // a link to a place of the page keeps what is chosen
  all(".linked").forEach((other) => other.classList.remove("linked"));
  const target = place() && all("[id]").find((element) => encodeURIComponent(element.id) === place());
  if (!target) return;
  target.classList.add("linked");
  if (query !== undefined) target.scrollIntoView();
}

// A click on a column's head sorts by it, best first; a second click turns the order round.
const heads = (table) => all("thead th[data-column]", table);

function sort(head, order) {
  const table = head.closest("table"), body = table.tBodies[0];
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
}

const turned = (order) => (order === "ascending" ? "descending" : "ascending");

for (const button of all("th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th"), first = head.dataset.first;
    const order = head.getAttribute("aria-sort") === first ? turned(first) : first;
    sort(head, order);
    if (head.closest(".table") && all(".columns", head.closest(".table")).length)
      keep("sort", (order === first ? "" : "-") + head.dataset.column);
  });
}

// Of a table's columns as many are shown as fit, the most telling first, or those that the reader has chosen.
for (const block of all(".table")) {
  const table = block.querySelector("table"), frame = block.querySelector(".scroll");
  const menu = block.querySelector(".columns"), names = block.dataset.fit.split(",");
  const index = new Map(heads(table).map((head) => [head.dataset.column, head.cellIndex]));
  const boxes = all("input[value]", block), groups = all("input[data-group]", block);
  const within = (group) => all("input[value]", group.closest("fieldset"));

  const show = (shown) => {
    for (const name of names) for (const row of table.rows) row.cells[index.get(name)].hidden = !shown.has(name);
    boxes.forEach((box) => (box.checked = shown.has(box.value)));
    for (const group of groups) {
      const count = within(group).filter((box) => box.checked).length;
      group.checked = count > 0;
      group.indeterminate = count > 0 && count < within(group).length;
    }
  };
  const fit = () => {
    const shown = new Set(names);
    show(shown);
    for (const name of [...names].reverse()) {
      if (frame.scrollWidth <= frame.clientWidth || shown.size === 1) break;
      shown.delete(name);
      show(shown);
    }
  };
  const follow = () => {
    if (!menu || !chosen.has("columns")) fit();
    else show(new Set(chosen.get("columns").split(",")));
    if (!menu) return;
    const [, back, name] = /^(-?)(.*)$/.exec(chosen.get("sort") ?? names[0]);
    const head = heads(table).find((one) => one.dataset.column === name);
    if (head) sort(head, back ? turned(head.dataset.first) : head.dataset.first);
  };
  const choose = (columns) => {
    keep("columns", columns && columns.join(","));
    follow();
  };
  if (menu) {
    menu.hidden = false;
    const checked = () => boxes.filter((box) => box.checked).map((box) => box.value);
    boxes.forEach((box) => box.addEventListener("change", () => choose(checked())));
    for (const group of groups) {
      group.addEventListener("change", () => {
        within(group).forEach((box) => (box.checked = group.checked));
        choose(checked());
      });
    }
    block.querySelector("[data-choose=fit]").addEventListener("click", () => choose(null));
    block.querySelector("[data-choose=all]").addEventListener("click", () => choose(names));
  }
  followers.push(follow);
  let width = 0;
  new ResizeObserver(() => {
    if (frame.clientWidth === width) return;
    width = frame.clientWidth;
    if (!menu || !chosen.has("columns")) fit();
  }).observe(frame);
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

// All that the page's scripts do is set up: the address is looked at.
function start() {
  followers.forEach((follow) => follow());
  addEventListener("hashchange", open);
  open();
}
