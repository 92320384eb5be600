// Two models beside each other: scores with their differences, what else differs, and their pictures.
const compare = document.getElementById("compare");
if (compare) {
  const [first, second] = [compare.querySelector(".first"), compare.querySelector(".second")];
  const differences = JSON.parse(compare.dataset.differences);
  const label = (select) => select.selectedOptions[0].textContent;
  const element = (name, text = "", className = "") =>
    Object.assign(document.createElement(name), {textContent: text, className});
  const row = (...cells) => {
    const made = element("tr");
    made.append(...cells);
    return made;
  };
  const rowHead = (text) => Object.assign(element("th", text, "name"), {scope: "row"});
  const panel = (heads, rows, className = "") => {
    const [box, table, head, body] = [element("div", "", `scroll ${className}`), element("table"), element("thead"), element("tbody")];
    head.append(row(...heads.map((text) => Object.assign(element("th", text), {scope: "col"}))));
    head.rows[0].cells[0].className = "name";
    body.append(...rows);
    table.append(head, body);
    box.append(table);
    box.tabIndex = 0;
    return box;
  };

  const signed = (value, digits) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(digits);

  // The difference of two models in a metric, turned round where it is kept the other way.
  const difference = ({digits, higher, pairs}, a, b) => {
    const kept = pairs[`${a} ${b}`], back = pairs[`${b} ${a}`]?.map((value) => value && -value);
    const [mean, low, high] = kept ?? (back ? [back[0], back[2], back[1]] : [null, null, null]);
    if (mean === null || mean === undefined) return [element("td", "–"), element("td")];
    const show = (value) => signed(value, digits);
    const known = low !== null && high !== null, told = known && (low > 0 || high < 0);
    const cell = element("td");
    cell.append(element("span", show(mean), told ? "" : "soft"));
    if (known) cell.append(element("span", `${show(low)} – ${show(high)}`, "interval"));
    const better = mean > 0 === higher ? first : second;
    return [cell, element("td", told ? `${label(better)} is better` : "not told apart", told ? "verdict" : "verdict soft")];
  };
  const score = (model, index) => {
    const cell = document.getElementById(`row-${model}`)?.cells[index], made = element("td");
    if (!cell) return element("td", "–");
    for (const part of [cell.firstElementChild ?? cell, cell.querySelector(".interval")])
      if (part) made.append(element("span", part.textContent, part === cell ? "" : part.className));
    return made;
  };
  const scores = () => {
    const [a, b] = [first.value, second.value], rows = [];
    for (const head of all("#scores th[data-metric]")) {
      const name = rowHead(head.dataset.title), unit = head.querySelector(".unit");
      if (unit) name.append(element("small", ` ${unit.textContent}`));
      rows.push(row(name, score(a, head.cellIndex), score(b, head.cellIndex), ...difference(differences[head.dataset.metric], a, b)));
    }
    return panel(["Score", label(first), label(second), "Difference", ""], rows);
  };
  // On each kind of damage alone; means without intervals.
  const kinds = () => {
    const rows = [];
    for (const table of all("#damage table")) {
      const [here, there] = [first, second].map((select) =>
        all("tr[data-model]", table).find((one) => one.dataset.model === select.value));
      if (!here || !there) continue;
      const heads = all("thead th", table), measure = heads[0].firstChild.textContent.trim();
      heads.slice(1).forEach((head, k) => {
        const [x, y] = [here, there].map((one) => one.cells[k + 1]), by = x.dataset.value - y.dataset.value;
        const known = x.dataset.value !== "" && y.dataset.value !== "", digits = x.textContent.split(".")[1]?.length;
        rows.push(row(rowHead(`${measure} ${head.querySelector("button").textContent}`), element("td", x.textContent),
          element("td", y.textContent), element("td", known ? signed(by, digits) : "–")));
      });
    }
    return rows.length ? panel(["Damage alone", label(first), label(second), "Difference"], rows) : "";
  };

  // What the cards of the two say differently.
  const facts = () => {
    const [here, there] = [first, second].map((select) => {
      const card = document.getElementById(`model-${select.value}`);
      return new Map((card ? all("dt", card) : []).map((name) => [name.textContent, name.nextElementSibling.textContent]));
    });
    const names = [...new Set([...here.keys(), ...there.keys()])].filter((name) => here.get(name) !== there.get(name));
    const cell = (text) => element("td", text ?? "–", "fact");
    return names.length ? panel(["What differs", label(first), label(second)],
      names.map((name) => row(rowHead(name), cell(here.get(name)), cell(there.get(name)))), "facts-differ") : "";
  };

  const show = () => {
    compare.querySelector(".scores").replaceChildren(scores(), kinds(), facts());
    drawPictures();
  };
  const has = (select, value) => [...select.options].some((option) => option.value === value);
  const models = all("#scores tbody tr").map((one) => one.id.slice("row-".length));
  const choose = (a, b, kept = true) => {
    [first.value, second.value] = [a, b];
    if (kept) keep("compare", `${a},${b}`);
    show();
  };
  for (const select of [first, second]) select.addEventListener("change", () => choose(first.value, second.value));
  compare.querySelector(".swap").addEventListener("click", () => choose(second.value, first.value));
  followers.push(() => {
    const [a, b] = (chosen.get("compare") ?? "").split(",");
    has(first, a) && has(second, b) ? choose(a, b, false) : choose(models[0], models[1], false);
  });

  // Pictures: tiles that show one frame each of a sample, whose frames lie one above the other. How they are zoomed,
  // where, and which frame is seen, is a matter of the stage, so it is the same for all.
  const viewer = compare.querySelector(".viewer"), stage = viewer?.querySelector(".stage");
  const samples = all(".sample", compare);
  const at = {zoom: 1, x: 0.5, y: 0.5, frame: 0, split: 50};
  let playing = 0, width = 0;

  const place = (name, value) => {
    at[name] = value;
    stage.style.setProperty(`--${name}`, value);
    for (const input of all(`input.${name}, .${name} input`, viewer)) input.value = value;
    if (name !== "zoom") return;
    stage.classList.toggle("zoomed", value > 1);
    const [shown] = all(".frame-window", stage);  // sharp pixels where they are enlarged
    if (shown) stage.classList.toggle("pixels", shown.clientWidth * value >= width);
  };
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const move = (dx, dy) => {
    if (at.zoom === 1) return;
    place("x", clamp(at.x - dx / (at.zoom - 1), 0, 1));
    place("y", clamp(at.y - dy / (at.zoom - 1), 0, 1));
  };
  const step = (by) => {
    const frames = Number(viewer.querySelector(".frame").max) + 1;
    place("frame", (at.frame + by + frames) % frames);
  };
  const play = (on) => {
    clearInterval(playing);
    playing = on ? setInterval(() => step(1), 125) : 0;
    viewer.querySelector(".play").setAttribute("aria-pressed", on);
  };

  const tile = (sample, name) => {
    const [made, frame] = [element("figure", "", "tile"), element("div", "", "frame-window")];
    const picture = Object.assign(element("img"), {src: sample.src, alt: name, draggable: false, decoding: "sync"});
    frame.style.aspectRatio = `${sample.width} / ${sample.height}`;
    frame.append(picture);
    made.append(frame, element("figcaption", name));
    return made;
  };
  function drawPictures() {
    if (!viewer) return;
    const clip = viewer.querySelector(".clip").value, view = viewer.querySelector(".view").value;
    const of = (source) => samples.find((one) => one.dataset.clip === clip && one.dataset.source === source);
    const names = new Map([...first.options].map((option) => [option.value, option.textContent]));
    const sources = view === "all" ? ["input", "=input", ...names.keys()] : [first.value, second.value];
    const shown = [...(view === "all" ? new Set(sources) : sources)].filter((source) => of(source));
    stage.replaceChildren(...shown.map((source) => tile(of(source), names.get(source))));
    stage.className = `stage ${view}`;
    viewer.querySelector(".split").hidden = view !== "over";
    const one = shown.length && of(shown[0]);
    stage.hidden = !one;
    if (!one) return;
    const frames = Number(one.dataset.frames);
    width = one.width;
    stage.style.setProperty("--least", `${Math.max(352, width)}px`);
    stage.style.setProperty("--frames", frames);
    stage.style.setProperty("--width", `${width * Math.max(1, Math.floor(720 / width))}px`);
    viewer.querySelector(".frame").max = frames - 1;
    viewer.querySelector(".play").hidden = frames < 2;
    place("frame", Math.min(at.frame, frames - 1));
    for (const name of ["zoom", "x", "y", "split"]) place(name, at[name]);
  }
  if (viewer) {
    for (const name of ["clip", "view"]) viewer.querySelector(`.${name}`).addEventListener("change", drawPictures);
    for (const [name, selector] of [["zoom", ".zoom"], ["frame", ".frame"], ["split", ".split input"]])
      viewer.querySelector(selector).addEventListener("input", (event) => place(name, Number(event.target.value)));
    viewer.querySelector(".play").addEventListener("click", () => play(!playing));
    const within = (event) => {
      const box = (event.target.closest(".frame-window") ?? stage.querySelector(".frame-window")).getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, box];
    };
    const divide = (event) => stage.matches(".over") && at.zoom === 1 && place("split", clamp(100 * within(event)[0], 0, 100));
    stage.addEventListener("pointerdown", (event) => {
      stage.setPointerCapture(event.pointerId);
      divide(event);
    });
    stage.addEventListener("pointermove", (event) => {
      if (!event.buttons) return;
      const [, , box] = within(event);
      at.zoom === 1 ? divide(event) : move(event.movementX / box.width, event.movementY / box.height);
    });
    stage.addEventListener("dblclick", (event) => {
      const [x, y] = within(event);
      if (at.zoom === 1) [["x", x], ["y", y]].forEach(([name, value]) => place(name, clamp(value, 0, 1)));
      place("zoom", at.zoom === 1 ? 3 : 1);
    });
    const keys = {
      "+": () => place("zoom", clamp(at.zoom + 0.5, 1, 8)), "-": () => place("zoom", clamp(at.zoom - 0.5, 1, 8)),
      ArrowLeft: () => move(0.1, 0), ArrowRight: () => move(-0.1, 0), ArrowUp: () => move(0, 0.1), ArrowDown: () => move(0, -0.1),
      " ": () => play(!playing), ",": () => step(-1), ".": () => step(1),
    };
    stage.addEventListener("keydown", (event) => {
      const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
      if (!act || (event.key.startsWith("Arrow") && at.zoom === 1)) return;
      event.preventDefault();
      act();
    });
  }
  compare.hidden = false;
}
