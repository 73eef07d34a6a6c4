"use strict";
(() => {
  const frames = JSON.parse(document.getElementById("frames").textContent);
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let at = 0;

  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const hex = (byte) => byte.toString(16).padStart(2, "0");
  const marks = { new: "+", moved: "→", changed: "~", gone: "−", found: "=" };

  function cellOf(cell) {
    const state = cell.state === "moved" ? "moved-away" : cell.state;
    const node = make("div", `cell ${state}`);
    if (cell.mark !== "none") node.classList.add(cell.mark);
    if (cell.seen) node.classList.add("seen");
    node.append(make("i", "", hex(cell.byte) + (marks[cell.mark] ? " " + marks[cell.mark] : "")));
    const text = make("span", "", cell.key);
    if (cell.state === "full" && cell.elem !== "") {
      text.append(make("em", "", ": " + cell.elem));
    }
    text.title = text.textContent;
    node.append(text);
    if (cell.state === "full") node.dataset.key = cell.key;
    return node;
  }

  function rowOf(row) {
    const node = make("div", row.name.startsWith("└") ? "row chained" : "row");
    const name = make("div", "name", row.name);
    node.append(name);
    if (row.cells.length === 0) {
      node.append(make("div", "note", row.note));
      return node;
    }
    if (row.note) name.append(make("small", "", row.note));
    const cells = make("div", "cells");
    cells.append(...row.cells.map(cellOf));
    node.append(cells);
    return node;
  }

  function pictureOf(picture) {
    const facts = make("div", "facts");
    for (const [name, value] of picture.header) {
      const fact = make("span");
      fact.append(make("b", "", name), value);
      facts.append(fact);
    }
    const parts = picture.parts.map((part) => {
      const node = make("div", part.title.startsWith("old") ? "part old" : "part");
      node.append(make("h3", "", part.title), ...part.rows.map(rowOf));
      if (part.loads.length > 0) {
        const loads = make("div", "loads");
        part.loads.forEach((n, i) => {
          const load = make("span");
          load.style.setProperty("--h", Math.min(100, n * 12.5) + "%");
          load.title = `${i}: ${n}`;
          loads.append(load);
        });
        node.append(loads);
      }
      if (part.left_out) node.append(make("p", "more", part.left_out));
      return node;
    });
    return [facts, ...parts];
  }

  function scheduleOf(ending, goroutines) {
    const table = make("table");
    const head = table.createTHead().insertRow();
    head.append(make("th", "", ""), ...goroutines.map((_, i) => make("th", "", `goroutine ${i + 1}`)));
    const body = table.createTBody();
    ending.schedule.forEach((access, i) => {
      const row = body.insertRow();
      row.append(make("td", "", String(i + 1)));
      goroutines.forEach((_, goroutine) => {
        const cell = make("td");
        if (goroutine === access.goroutine) {
          if (access.begins) cell.append(make("b", "", access.begins));
          cell.append(access.what);
        }
        row.append(cell);
      });
    });
    return table;
  }

  function raceOf(race) {
    const node = make("div", "race");
    const scripts = make("ol");
    race.goroutines.forEach((text, i) => scripts.append(make("li", "", `goroutine ${i + 1}: ${text}`)));
    node.append(scripts, make("h3", "", race.extent));
    race.endings.forEach((ending, i) => {
      const details = make("details", ending.kind);
      const summary = make("summary", "", `${i + 1}. ${ending.text} `);
      summary.append(make("small", "", `${ending.states} final state${ending.states === 1 ? "" : "s"}, shortest way: ${ending.schedule.length} accesses`));
      details.append(summary, scheduleOf(ending, race.goroutines));
      node.append(details);
    });
    const worst = node.querySelector("details.silent") || node.querySelector("details.dies");
    if (worst) worst.open = true;
    node.append(make("h3", "", "How likely is that?"));
    for (const odds of race.odds) {
      const line = make("div", "odds");
      line.append(`${odds.runs} random runs, another goroutine taking over after 1 access in ${odds.switch}: ${odds.fine} fine, ${odds.silent} silently wrong, ${odds.dies} dead, ${odds.wild} wild`);
      const bar = make("div", "bar");
      for (const kind of ["fine", "silent", "dies", "wild"]) {
        const part = make("div", kind + "-part");
        part.style.width = (100 * odds[kind]) / odds.runs + "%";
        bar.append(part);
      }
      line.append(bar);
      node.append(line);
    }
    node.append(make("p", "moral", race.moral));
    return node;
  }

  /* Entries that have moved glide from where they were. */
  function places() {
    const map = new Map();
    for (const cell of document.querySelectorAll("#picture .cell[data-key]")) {
      if (!map.has(cell.dataset.key)) map.set(cell.dataset.key, cell.getBoundingClientRect());
    }
    return map;
  }
  function glide(before) {
    if (calm) return;
    for (const cell of document.querySelectorAll("#picture .cell.moved[data-key]")) {
      const from = before.get(cell.dataset.key);
      if (!from) continue;
      const to = cell.getBoundingClientRect();
      cell.animate(
        [{ transform: `translate(${from.left - to.left}px, ${from.top - to.top}px)` }, { transform: "none" }],
        { duration: 350, easing: "ease-in-out" },
      );
    }
  }

  function show(next) {
    const forward = next === at + 1;
    const before = forward ? places() : new Map();
    at = Math.max(0, Math.min(frames.length - 1, next));
    const frame = frames[at];
    if (!frame) {
      $("command").textContent = "The script has no steps.";
      return;
    }
    $("title").textContent = frame.title;
    $("remark").textContent = frame.remarks.join(" ");
    $("command").textContent = frame.command;
    $("failure").textContent = frame.failure || "";
    $("result").textContent = frame.result === null ? "" : "= " + frame.result;
    $("sentences").classList.toggle("pre", /^(help|scenes)/.test(frame.command));
    $("sentences").replaceChildren(...frame.sentences.map((text) => make("li", "", text)));
    $("race").replaceChildren(...(frame.race ? [raceOf(frame.race)] : []));
    $("picture").replaceChildren(...(frame.race ? [] : pictureAt(at)));
    $("slider").value = at;
    $("count").textContent = `${at + 1} of ${frames.length}`;
    $("first").disabled = $("back").disabled = at === 0;
    $("last").disabled = $("forward").disabled = at === frames.length - 1;
    [...$("script").children].forEach((line, i) => {
      if (i === at) {
        line.setAttribute("aria-current", "step");
        const box = $("script");
        const top = line.offsetTop - box.offsetTop;
        if (top < box.scrollTop || top + line.offsetHeight > box.scrollTop + box.clientHeight) {
          box.scrollTop = top - box.clientHeight / 2;
        }
      } else line.removeAttribute("aria-current");
    });
    history.replaceState(null, "", "#" + (at + 1));
    if (forward) glide(before);
  }

  /* A step that only asks leaves the drawing as it was, without its marks. */
  function pictureAt(step) {
    let from = step;
    while (from > 0 && !frames[from].picture && !frames[from].changes) from -= 1;
    if (!frames[from].picture) return [];
    const nodes = pictureOf(frames[from].picture);
    if (from !== step) {
      for (const cell of nodes.flatMap((node) => [...node.querySelectorAll(".cell")])) {
        cell.classList.remove(...Object.keys(marks));
        cell.firstChild.textContent = cell.firstChild.textContent.slice(0, 2);
      }
    }
    return nodes;
  }

  function theme(name) {
    root.dataset.theme = name;
  }
  theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => theme(event.matches ? "dark" : "light"));
  $("theme").onclick = () => theme(root.dataset.theme === "dark" ? "light" : "dark");

  frames.forEach((frame, i) => {
    const line = make("li", frame.failure ? "fails" : "", frame.command || "…");
    line.onclick = () => show(i);
    $("script").append(line);
  });
  $("slider").max = Math.max(0, frames.length - 1);
  $("slider").oninput = () => show(Number($("slider").value));
  $("first").onclick = () => show(0);
  $("back").onclick = () => show(at - 1);
  $("forward").onclick = () => show(at + 1);
  $("last").onclick = () => show(frames.length - 1);
  addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: frames.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(to);
  });
  const fromHash = () => show((parseInt(location.hash.slice(1), 10) || 1) - 1);
  addEventListener("hashchange", fromHash);
  fromHash();
})();
