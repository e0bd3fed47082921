// Draws the charts of a page from its one JSON, in the colours of the scheme, and shows what is hovered.
"use strict";
(() => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const tooltip = document.getElementById("tooltip");
  const views = {};
  const MOST_SVG = 2000; // marks; more are drawn on a canvas

  // The values of a column; text may be packed as one character for each word.
  const unpack = (column) => {
    if (Array.isArray(column)) return column;
    const words = new Map([...column.alphabet].map((letter, i) => [letter, column.words[i]]));
    return column.packed.map((text) => [...text].map((letter) => words.get(letter)).join(" "));
  };
  for (const columns of Object.values(content.data)) {
    for (const name in columns) columns[name] = unpack(columns[name]);
  }

  // New rows of a data set, as a chart writes into those that it is given: of the columns that it names.
  const rows = (name, spec) => {
    const text = JSON.stringify(spec);
    const columns = Object.entries(content.data[name]).filter(([key]) => text.includes(key));
    return columns[0][1].map((_, i) => {
      const row = {};
      for (const [key, values] of columns) row[key] = values[i];
      return row;
    });
  };

  // How many entries of a legend are side by side, by the longest name of a series.
  const columnsOf = (spec, width) => {
    const names = [...JSON.stringify(spec).matchAll(/"domain":(\[".*?"\])/g)].flatMap((found) => JSON.parse(found[1]));
    return Math.max(1, Math.floor((width - 40) / (36 + 7 * Math.max(4, ...names.map((name) => String(name).length)))));
  };

  // How many rows a chart draws, in all of its layers.
  const marks = (spec, data = spec.data) => {
    if (spec.layer) return spec.layer.reduce((sum, layer) => sum + marks(layer, layer.data ?? data), 0);
    return Object.values(content.data[data.name])[0].length;
  };

  const draw = async (name, colours) => {
    const place = document.getElementById("chart-" + name);
    const kept = views[name]?.getState({ data: () => false, signals: (key) => key === "chosen" });
    views[name]?.finalize();
    const config = structuredClone(content.configs[colours]);
    config.legend.columns = columnsOf(content.charts[name], place.clientWidth);
    const spec = { ...content.charts[name] };
    if (document.documentElement.classList.contains("printing")) spec.height *= 0.7; // two on a sheet
    const fill = (compiled) => {
      for (const set of compiled.data) if (set.name in content.data) set.values = rows(set.name, spec);
      return compiled;
    };
    const renderer = marks(spec) > MOST_SVG ? "canvas" : "svg";
    const bind = document.getElementById("controls-" + name);
    bind.replaceChildren();
    const options = { mode: "vega-lite", actions: false, renderer, config, patch: fill, tooltip: show, bind };
    const { view } = await vegaEmbed(place, spec, options);
    if (kept) view.setState(kept);
    views[name] = view;
    place.style.minHeight = "";
  };
  const scheme = () => (dark.matches && !matchMedia("print").matches ? "dark" : "light");
  const drawAll = (colours) => Object.keys(content.charts).forEach((name) => draw(name, colours));

  // What is hovered: its drawing if there is one, then its values.
  function show(handler, event, item, value) {
    tooltip.hidden = !value;
    if (!value) return;
    const list = document.createElement("dl");
    let drawing = null;
    for (const [key, text] of Object.entries(value)) {
      if (key === "drawing") drawing = text && thumbnail(text, content.graphs, content.configs[scheme()].range.category);
      else if (text !== "" && text !== "null") {
        list.append(Object.assign(document.createElement("dt"), { textContent: key }));
        list.append(Object.assign(document.createElement("dd"), { textContent: text }));
      }
    }
    tooltip.replaceChildren(...(drawing ? [drawing, list] : [list]));
    const { width, height } = tooltip.getBoundingClientRect();
    const { clientWidth, clientHeight } = document.documentElement;
    const below = event.clientY + 16 + height <= clientHeight;
    tooltip.style.left = Math.max(4, Math.min(event.clientX + 14, clientWidth - width - 4)) + "px";
    tooltip.style.top = Math.max(4, below ? event.clientY + 16 : event.clientY - height - 12) + "px";
  }

  // One chart at a time, so that the page can be scrolled from the start.
  const waiting = Object.keys(content.charts);
  const next = async () => {
    if (!waiting.length) return document.documentElement.setAttribute("data-drawn", "");
    await draw(waiting.shift(), scheme());
    setTimeout(next);
  };
  requestAnimationFrame(() => setTimeout(next));
  dark.addEventListener("change", () => drawAll(scheme()));
  const print = (printing) => {
    document.documentElement.classList.toggle("printing", printing); // as wide as paper, so that text stays as large
    drawAll(printing ? "light" : scheme());
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  addEventListener("scroll", () => (tooltip.hidden = true), { passive: true });
})();
