// A small drawing of a packed graph (graphs.py): layers from left to right, an operation of an edge is its colour.
"use strict";
const thumbnail = (packed, tables, colours) => {
  const SVG = "http://www.w3.org/2000/svg";
  const ROW = 27, GAP = 46, BOX = 19;
  const make = (tag, attributes, text) => {
    const element = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const used = [];
  const colour = (operation) => {
    if (!tables.operations[operation]) return "var(--muted)";
    if (!used.includes(operation)) used.push(operation);
    return colours[operation % colours.length];
  };

  const parse = (text) => {
    const [number, code] = text.split(/:(.*)/s);
    const edges = [];
    for (let i = 0; i < code.length; i += 3) {
      edges.push([...code.slice(i, i + 3)].map((letter) => tables.alphabet.indexOf(letter)));
    }
    return { ...tables.headers[number], edges };
  };

  // The layer of a node is the longest way to it; within a layer it stands near the nodes that it reads.
  const arrange = ({ nodes, edges }) => {
    const layer = nodes.map(() => 0), layers = [], y = [];
    for (const [from, to] of [...edges].sort((a, b) => a[1] - b[1])) layer[to] = Math.max(layer[to], layer[from] + 1);
    layer[nodes.length - 1] = Math.max(...layer);
    nodes.forEach((_, i) => (layers[layer[i]] ||= []).push(i));
    const most = Math.max(...layers.map((each) => each.length));
    for (const each of layers) {
      const middle = (i) => {
        const read = edges.filter((edge) => edge[1] === i).map((edge) => y[edge[0]] ?? 0);
        return read.length ? read.reduce((a, b) => a + b) / read.length : i;
      };
      const order = each.map((i) => [middle(i), i]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      order.forEach(([, i], place) => (y[i] = ROW * (place + (most - each.length) / 2) + BOX));
    }
    const width = (i) => 8 + 6.3 * nodes[i].length;
    const x = [];
    let at = 4;
    for (const each of layers) {
      const widest = Math.max(...each.map(width));
      for (const i of each) x[i] = at + widest / 2;
      at += widest + GAP;
    }
    return { x, y, width, size: [at - GAP + 4, ROW * most + BOX] };
  };

  const draw = (cell) => {
    const { x, y, width, size } = arrange(cell);
    const group = make("g", {});
    const bends = {};
    for (const [from, to, operation] of cell.edges) {
      const key = from + "-" + to, shift = 5 * (bends[key] = (bends[key] ?? -1) + 1);
      const begin = x[from] + width(from) / 2, end = x[to] - width(to) / 2;
      const long = end - begin > 1.6 * GAP && y[from] === y[to] ? 0.8 * ROW : 0; // around the boxes between them
      const [a, b] = [y[from] + shift, y[to] + shift];
      const d = `M${begin} ${a}C${begin + GAP / 2} ${a + long} ${end - GAP / 2} ${b + long} ${end} ${b}`;
      group.append(make("path", { d, fill: "none", stroke: colour(operation), "stroke-width": 2 }));
    }
    cell.nodes.forEach((label, i) => {
      const box = { x: x[i] - width(i) / 2, y: y[i] - BOX / 2, width: width(i), height: BOX, rx: 4 };
      group.append(make("rect", { ...box, fill: "var(--paper)", stroke: "var(--muted)" }));
      const at = { x: x[i], y: y[i] + 4, "text-anchor": "middle", "font-size": 11, fill: "var(--ink)" };
      group.append(make("text", at, label));
    });
    return { group, size };
  };

  const svg = make("svg", {});
  let top = 0, wide = 0;
  const write = (text, left, fill = "var(--muted)") => {
    svg.append(make("text", { x: left, y: top + 12, "font-size": 11.5, fill }, text));
    return left + 6.6 * text.length + 14;
  };
  for (const cell of packed.split(" ").map(parse)) {
    if (cell.name) { write(cell.name, 4); top += 14; }
    const { group, size } = draw(cell);
    group.setAttribute("transform", `translate(0 ${top})`);
    svg.append(group);
    top += size[1] + 4;
    wide = Math.max(wide, size[0]);
  }
  let left = 4;
  for (const operation of used) {
    if (left > 4 && left + 6.6 * tables.operations[operation].length > Math.max(wide, 300)) { top += 16; left = 4; }
    left = write("\u2014 " + tables.operations[operation], left, colour(operation));
    wide = Math.max(wide, left - 14);
  }
  if (used.length) top += 18;
  svg.setAttribute("viewBox", `0 0 ${wide} ${top}`);
  svg.setAttribute("preserveAspectRatio", "xMinYMin");
  svg.setAttribute("width", wide);
  svg.setAttribute("height", top);
  return svg;
};
