// Convergence: a figure a game, all by the same axis.
page.scripts.curves = (root, data) => {
  const by = page.find("curves-by"), acrossLog = page.find("curves-log-x"), upLog = page.find("curves-log-y");
  const made = data.games.map(game => figures.add(page.find("curves-figures"), () => {
    const lines = game.lines.filter(line => line[by.value]), left = game.lines.length - lines.length;
    const traces = lines.flatMap(line => {  // before a rule's average begins the line is thin and pale
      const begins = line.iteration.filter(n => n <= line.warmup).length;
      return [trace(line, 0, begins, true), trace(line, Math.max(0, begins - 1), line.y.length, false)].filter(Boolean);
    });
    const title = game.game + (left ? ` (${left} without ${data.axes[by.value]})` : "");
    return { traces, layout: {
      title, showlegend: true,
      xaxis: { type: acrossLog.checked ? "log" : "linear", title: { text: data.axes[by.value] }, exponentformat: "power" },
      yaxis: { type: upLog.checked ? "log" : "linear", title: { text: "exploitability" }, exponentformat: "power" },
      shapes: upLog.checked && lines.some(line => line.y.some(y => y < data.rounding)) ? [{
        type: "rect", xref: "paper", x0: 0, x1: 1, y0: data.floor, y1: data.rounding, fillcolor: "rgba(128,128,128,0.18)", line: { width: 0 },
        label: { text: "rounding", textposition: "middle left", font: { size: 10, color: figures.colour("quiet") } },
      }] : [],
    } };
  }));

  function trace(line, from, to, early) {
    if (to - from < (early ? 2 : 1)) return null;
    const colour = figures.shade(line.colour), last = to - from - 1, every = Math.max(1, Math.ceil(last / 8));
    return {
      name: figures.plain(line.label), legendgroup: line.label, showlegend: !early, opacity: early ? 0.4 : 1,
      x: line[by.value].slice(from, to), y: line.y.slice(from, to).map(y => Math.max(y, data.floor)), mode: early ? "lines" : "lines+markers",
      line: { color: colour, dash: early ? "solid" : line.dash, width: early ? 1 : 1.6 },
      marker: { symbol: line.symbol, color: colour, size: Array.from({ length: last + 1 }, (_, place) => place % every && place !== last ? 0 : 6) },
      text: line.iteration.slice(from, to).map(n => n <= line.warmup ? `${n} (warm-up)` : `${n}`),
      hovertemplate: "%{y:.3g}, iteration %{text}, %{x:.4~g}",
    };
  }
  for (const control of [by, acrossLog, upLog]) control.addEventListener("change", () => made.forEach(figures.update));
};
