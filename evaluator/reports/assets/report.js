"use strict";
(() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const panels = new Map(data.panels.map((panel) => [panel.id, panel]));
  const each = (selector, act, within = document) => within.querySelectorAll(selector).forEach(act);
  root.classList.add("scripted");

  // The tip: one box for every plot, beside the mouse or the focused mark; it is announced, being a status.
  const tip = document.getElementById("tip");
  let owner = null;
  const hide = (of = owner) => { if (of === owner) tip.hidden = true; };
  const show = (of, text, x, y) => {
    owner = of;
    tip.textContent = text;
    tip.hidden = false;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${window.scrollX + Math.max(8, Math.min(x + 14, room))}px`;
    const below = y + 14 + tip.offsetHeight < window.innerHeight;
    tip.style.top = `${window.scrollY + (below ? y + 14 : Math.max(4, y - 14 - tip.offsetHeight))}px`;
  };
  const beside = (element, text) => {
    const box = element.getBoundingClientRect();
    show(element, text, box.left + box.width / 2, box.top + box.height / 2);
  };
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // The page's colours: what the system asks for, until the button is pressed.
  const theme = document.getElementById("theme");
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const name = () => {
    theme.textContent = dark() ? "Light page" : "Dark page";
    theme.setAttribute("aria-pressed", String(Boolean(root.dataset.theme)));
  };
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();

  // Tables: a header's button sorts, best first for numbers; what is missing stays last.
  const words = new Intl.Collator("en", { numeric: true });
  const sort = (button) => {
    const header = button.closest("th");
    const body = header.closest("table").tBodies[0];
    const number = button.dataset.kind === "number";
    const now = header.getAttribute("aria-sort");
    const next = now === "none" ? (number ? "descending" : "ascending") : now === "ascending" ? "descending" : "ascending";
    each("th[aria-sort]", (other) => other.setAttribute("aria-sort", "none"), header.parentElement);
    header.setAttribute("aria-sort", next);
    const sign = next === "ascending" ? 1 : -1;
    const key = (row) => row.cells[header.cellIndex].dataset.key;
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      return sign * (number ? Number(x) - Number(y) : words.compare(x, y));
    });
    body.append(...rows);
  };
  each(".sort", (button) => button.addEventListener("click", () => sort(button)));

  // Tables: a filter keeps the rows in which every word of it stands.
  each(".filtered", (block) => {
    const [input, status] = [block.querySelector("input"), block.querySelector("[role=status]")];
    const rows = [...block.querySelector("tbody").rows];
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      rows.forEach((row) => {
        const text = [...row.cells].map((cell) => cell.innerText ?? cell.textContent).join(" ").toLowerCase();
        row.hidden = !wanted.every((word) => text.includes(word));
      });
      const kept = rows.filter((row) => !row.hidden).length;
      status.textContent = (wanted.length ? `${kept} of ` : "") + `${rows.length} ${status.dataset.what}`;
    });
  });

  // Switches: a figure shows the view that is chosen; on paper it shows all.
  each(".choice", (choice) => {
    const figure = document.getElementById(choice.dataset.of);
    const choose = () => { figure.dataset.view = choice.querySelector("input:checked").value; hide(); };
    choice.addEventListener("change", choose);
    choose();
  });

  // One of a group can be reached by Tab, the others from it.
  const move = (items, from, by) => {
    const to = items[from + by];
    if (!to) return;
    items[from].tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  };
  each(".pareto", (plot) => {
    const points = [...plot.querySelectorAll(".point")];
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    points.forEach((point, number) => {
      const mark = point.querySelector(".mark");
      const say = () => beside(mark, point.dataset.tip);
      point.addEventListener("focus", say);
      point.addEventListener("mouseenter", say);
      ["blur", "mouseleave"].forEach((end) => point.addEventListener(end, () => hide(mark)));
      point.addEventListener("keydown", (event) => {
        const ends = { Home: -number, End: points.length - 1 - number };
        const by = steps[event.key] ?? ends[event.key];
        if (by === undefined) return;
        event.preventDefault();
        move(points, number, by);
      });
    });
  });
  each("[data-roving]", (group) => {
    const items = [...group.children];
    items.forEach((item, number) => item.addEventListener("keydown", (event) => {
      const by = { PageDown: 1, PageUp: -1 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      move(items, number, by);
    }));
  });

  // Differences: a cursor over the windows.
  const signed = (value) => (value === null ? "-" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(6)}`);
  const about = (line, judged, at) => {
    const { mean, low, high } = line[judged];
    const range = low[at] === high[at] ? "" : ` (from ${signed(low[at])} to ${signed(high[at])})`;
    return `${judged} ${signed(mean[at])}${range}`;
  };
  each(".lines", (picture) => {
    const line = panels.get(picture.dataset.panel).differences[picture.dataset.number];
    const xs = picture.dataset.xs.split(" ").map(Number);
    const svg = picture.querySelector("svg");
    const cursor = picture.querySelector(".cursor");
    let at = 0;
    const point = () => {
      cursor.setAttribute("transform", `translate(${xs[at]} 0)`);
      cursor.style.visibility = "visible";
      const [first, last] = [line.first[at], line.last[at]];
      const where = first === last ? `window ${first}` : `windows ${first} to ${last}`;
      beside(cursor, [line.variant, where, about(line, "next", at), about(line, "own", at)].join("\n"));
    };
    const leave = () => { cursor.style.visibility = "hidden"; hide(cursor); };
    svg.addEventListener("mousemove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      at = xs.reduce((best, value, n) => (Math.abs(value - x) < Math.abs(xs[best] - x) ? n : best), 0);
      point();
    });
    svg.addEventListener("mouseleave", leave);
    picture.addEventListener("focus", point);
    picture.addEventListener("blur", leave);
    picture.addEventListener("keydown", (event) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: xs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      at = Math.max(0, Math.min(xs.length - 1, to));
      point();
    });
  });

  // Heat maps: a frame around a cell.
  const decoded = new Map();
  const values = (map) => {
    if (!decoded.has(map)) {
      const bytes = Uint8Array.from(atob(map.values), (letter) => letter.charCodeAt(0));
      const view = new DataView(bytes.buffer);
      decoded.set(map, (n) => (view.getUint16(2 * n, true) / 65535) * map.scale);
    }
    return decoded.get(map);
  };
  const span = (word, at, size) => (size === 1 ? `${word} ${at}` : `${word}s ${at * size} to ${at * size + size - 1}`);
  each(".map", (element) => {
    const map = panels.get(element.dataset.panel).heat.maps[element.dataset.number];
    const image = element.querySelector("img");
    const frame = element.querySelector(".cell");
    let [layer, gpu] = [0, 0];
    const point = () => {
      const [high, wide] = [100 / map.layers, 100 / map.gpus];
      Object.assign(frame.style, {
        display: "block", top: `${layer * high}%`, left: `${gpu * wide}%`, height: `${high}%`, width: `${wide}%`,
      });
      const where = `${span("layer", layer, map.layers_per_cell)}, ${span("GPU", gpu, map.gpus_per_cell)}`;
      const load = values(map)(layer * map.gpus + gpu).toFixed(3);
      beside(frame, `${map.name}\n${where}\n${load} × mean of the layer`);
    };
    const leave = () => { frame.style.display = "none"; hide(frame); };
    image.addEventListener("mousemove", (event) => {
      const box = image.getBoundingClientRect();
      const within = (share, size) => Math.max(0, Math.min(size - 1, Math.floor(share * size)));
      layer = within((event.clientY - box.top) / box.height, map.layers);
      gpu = within((event.clientX - box.left) / box.width, map.gpus);
      point();
    });
    image.addEventListener("mouseleave", leave);
    element.addEventListener("focus", point);
    element.addEventListener("blur", leave);
    element.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!step) return;
      event.preventDefault();
      layer = Math.max(0, Math.min(map.layers - 1, layer + step[0]));
      gpu = Math.max(0, Math.min(map.gpus - 1, gpu + step[1]));
      point();
    });
  });

  // Copying: where a browser has no clipboard for files, the command is selected instead.
  const select = (code) => {
    const range = document.createRange();
    range.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  };
  each(".copy", (button) => button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    let done = "Copied";
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      select(code);
      done = "Selected";
    }
    button.textContent = done;
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }));
})();
