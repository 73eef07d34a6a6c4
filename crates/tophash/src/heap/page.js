"use strict";
// Widens a call of the flame graph to the whole width; the row of all maps widens everything.
(() => {
  const graph = document.getElementById("flame");
  if (!graph) return;
  const whole = graph.viewBox.baseVal.width;
  const calls = [...graph.querySelectorAll("g")].map((g) => ({
    g,
    x: Number(g.dataset.x),
    w: Number(g.dataset.w),
    depth: Number(g.dataset.d),
    rect: g.querySelector("rect"),
    text: g.querySelector("text"),
    name: g.querySelector("text").textContent,
  }));
  const show = (left, width, depth) => {
    const scale = whole / width;
    for (const call of calls) {
      const above = call.depth < depth;
      const inside = call.x >= left - 0.01 && call.x + call.w <= left + width + 0.01;
      const around = above && call.x <= left + 0.01 && call.x + call.w >= left + width - 0.01;
      call.g.style.display = inside || around ? "" : "none";
      const x = around ? 0 : (call.x - left) * scale;
      const w = around ? whole : call.w * scale;
      call.rect.setAttribute("x", x);
      call.rect.setAttribute("width", w);
      call.text.setAttribute("x", x + 4);
      const letters = Math.floor((w - 6) / 7);
      call.text.textContent =
        letters < 3 ? "" : call.name.length > letters ? call.name.slice(0, letters - 1) + "…" : call.name;
    }
  };
  for (const call of calls) {
    call.g.addEventListener("click", () => show(call.x, call.w, call.depth));
  }
  show(0, whole, 0);
})();
