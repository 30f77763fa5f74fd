// Learning: a figure a world, a line a run.
page.scripts.learning = (root, data) => {
  const measure = page.find("learning-measure"), by = page.find("learning-by"), log = page.find("learning-log-x");
  page.options(measure, data.measures.map(name => [name, name.replaceAll("_", " ")]));
  const made = Object.entries(data.worlds).map(([world, lines]) => figures.add(page.find("learning-figures"), () => {
    const bands = data.bands[world] || [], told = new Set(bands.map(each => each.method));
    const together = bands.flatMap(each => {
      const [x, middle, low, high] = each.curves[by.value][measure.value], colour = figures.shade(each.colour);
      const shared = { x, legendgroup: each.method, mode: "lines" }, edge = { ...shared, showlegend: false, hoverinfo: "skip", line: { width: 0, color: colour } };
      return [
        { ...edge, y: low }, { ...edge, y: high, fill: "tonexty", fillcolor: figures.faint(colour) },
        { ...shared, y: middle, name: figures.plain(each.method), line: { color: colour, dash: each.dash, width: 2.5 },
          hovertemplate: `%{y:.4g} at %{x:.4~g}, interquartile mean of ${each.seeds} seeds<extra></extra>` },
      ];
    });
    const single = lines.map(line => {
      const first = !told.has(line.method);
      told.add(line.method);
      return {
        name: figures.plain(line.method), legendgroup: line.method, showlegend: first, mode: "lines",
        x: line.columns[by.value], y: line.columns[measure.value], line: { color: figures.shade(line.colour), dash: line.dash, width: 1.5 }, opacity: bands.some(each => each.method === line.method) ? 0.35 : 1,
        text: line.columns.update.map(() => figures.plain(`${line.run}, seed ${line.seed}`)), hovertemplate: "%{y:.4g} at %{x:.4~g}, %{text}",
      };
    });
    return { traces: [...single, ...together], layout: {
      title: world, showlegend: true, yaxis: { title: { text: figures.plain(measure.value.replaceAll("_", " ")) } },
      xaxis: { type: log.checked ? "log" : "linear", title: { text: data.axes[by.value] } },
    } };
  }));
  for (const control of [measure, by, log]) control.addEventListener("change", () => made.forEach(figures.update));
};
