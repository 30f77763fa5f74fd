// Planner runs: scores as boxes with a dot an episode, and replays on the board.
page.scripts.plays = (root, data) => {
  for (const [world, runs] of Object.entries(data.worlds)) {
    figures.add(page.find("plays-scores"), () => ({
      traces: runs.map(run => ({
        type: "box", name: figures.plain(run.run), y: run.scores, boxpoints: run.scores.length > 400 ? "outliers" : "all", jitter: 0.4, pointpos: 0,
        boxmean: true, marker: { color: figures.shade(run.colour), size: 4 }, line: { width: 1.2 }, hovertemplate: "%{y:.6~g}",
      })),
      layout: { title: world, showlegend: false, yaxis: {
        title: { text: "score" }, ...(runs.every(run => run.scores.every(score => score >= 0 && score <= 1)) ? { range: [-0.05, 1.05] } : {}),
      } },
    }));
  }
  if (!data.replays.length) return;

  const KINDS = { goal: "#009E73", trap: "#D55E00", end: "#999999", live: "#56B4E9" };
  const [run, at, now, stage, board, values, note, play] =
    ["run", "at", "now", "stage", "board", "values", "note", "play"].map(id => page.find(`plays-${id}`));
  let replay = data.replays[0], timer = null;
  page.options(run, data.replays.map((each, place) => [place, each.name]));

  function choose() {
    replay = data.replays[run.value];
    at.max = replay.frames.length - 1;
    at.value = 0;
    const left = replay.steps + 1 - replay.frames.length;
    note.textContent = [replay.note, left > 0 ? `${left} of ${replay.steps + 1} moments are left out` : ""].filter(Boolean).join("; ");
    page.find("plays-paper").textContent = replay.paper;
    stop();
    show();
  }

  function show() {
    const frame = replay.frames[at.value];
    now.value = `${frame.title}${frame.action ? ` -> ${frame.action}` : ""}`;
    board.replaceChildren(frame.cells ? cells(frame) : "here" in frame && replay.network ? graph(frame) : page.make("pre", {}, frame.text || ""));
    const known = frame.values.filter(entry => entry[1] !== null).sort((a, b) => b[1] - a[1]);
    const high = Math.max(...known.map(entry => entry[1])), low = Math.min(0, ...known.map(entry => entry[1]));
    values.replaceChildren(...known.slice(0, 20).map(([name, value, visits]) => {
      const bar = page.make("i");
      bar.style.width = `${high > low ? 100 * (value - low) / (high - low) : 0}%`;
      const told = `${name} ${page.number(value)}${visits ? `, ${visits} visits` : ""}`;
      return page.make("div", { class: name === frame.action ? "value taken" : "value" }, bar, page.make("span", {}, told));
    }));
  }

  function cells(frame) {
    const wide = Math.max(...replay.rows), svg = page.make("svg", { class: "cells", viewBox: `0 0 ${wide} ${replay.rows.length}`, role: "img" });
    let place = 0;
    replay.rows.forEach((length, i) => {
      for (let j = 0; j < length; j++) {
        const [text, ink, ground] = replay.cells[frame.cells[place++]];
        svg.append(page.make("rect", { x: j + 0.03, y: i + 0.03, width: 0.94, height: 0.94, rx: 0.06, fill: ground }));
        if (!text) continue;
        const label = page.make("text", { x: j + 0.5, y: i + 0.5, "text-anchor": "middle", "dominant-baseline": "central" }, text);
        label.style.fill = ink;
        label.style.fontSize = `${Math.min(0.5, 1.3 / text.length)}px`;
        svg.append(label);
      }
    });
    return svg;
  }

  function graph(frame) {
    const { names, kinds, edges, places } = replay.network;
    const xs = places.map(p => p[0]), deep = Math.max(...xs, 1), high = Math.max(...xs.map(x => xs.filter(other => other === x).length));
    const width = 700, height = Math.max(220, Math.min(560, 34 * high));
    const spot = node => [40 + (width - 80) * places[node][0] / deep, height / 2 - (height - 40) * places[node][1]];
    const svg = page.make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
    const walked = replay.frames.slice(0, Number(at.value) + 1).map(each => each.here);
    const line = (a, b, colour, wide) => {
      const [x1, y1] = spot(a), [x2, y2] = spot(b), edge = page.make("line", { x1, y1, x2, y2, "stroke-width": wide });
      edge.style.stroke = colour;
      svg.append(edge);
    };
    for (const [a, b] of edges) line(a, b, a === frame.here ? "var(--fg)" : "var(--line)", a === frame.here ? 1.4 : 0.7);
    walked.slice(1).forEach((node, k) => line(walked[k], node, "var(--accent)", 3));
    names.forEach((name, node) => {
      const [cx, cy] = spot(node), here = node === frame.here;
      const dot = page.make("circle", { cx, cy, r: here ? 9 : 5, "stroke-width": here ? 3 : 1 }, page.make("title", {}, `${name} ${kinds[node]}`));
      dot.style.fill = KINDS[kinds[node]] || "var(--soft)";
      dot.style.stroke = here ? "var(--accent)" : "var(--quiet)";
      svg.append(dot);
      if (names.length <= 40 || here) svg.append(page.make("text", { x: cx, y: cy - 11, "text-anchor": "middle" }, name));
    });
    return svg;
  }

  function step(to) {
    at.value = Math.max(0, Math.min(Number(at.max), to));
    show();
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "play";
  }
  function toggle() {
    if (timer) return stop();
    if (at.value === at.max) step(0);
    play.textContent = "pause";
    timer = setInterval(() => {
      if (Number(at.value) >= Number(at.max)) return stop();
      step(Number(at.value) + 1);
    }, 200);
  }

  run.addEventListener("change", choose);
  for (const event of ["input", "change"]) at.addEventListener(event, show);
  page.find("plays-first").addEventListener("click", () => step(0));
  page.find("plays-back").addEventListener("click", () => step(Number(at.value) - 1));
  page.find("plays-on").addEventListener("click", () => step(Number(at.value) + 1));
  play.addEventListener("click", toggle);
  stage.addEventListener("keydown", event => {
    const moves = { ArrowLeft: Number(at.value) - 1, ArrowRight: Number(at.value) + 1, Home: 0, End: Number(at.max) };
    if (event.key in moves) step(moves[event.key]);
    else if (event.key === " ") toggle();
    else return;
    event.preventDefault();
  });
  choose();
};
