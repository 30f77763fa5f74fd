// PSRO: mixtures of the iteration under the slider, exploitability of all, and the meta-game until then.
page.scripts.populations = (root, data) => {
  const run = page.find("populations-run"), at = page.find("populations-at"), now = page.find("populations-now");
  const kinds = { eval: "#0072B2", train: "#D55E00", uniform: "#009E73", population: "#CC79A7" };
  const bars = page.find("populations-mixtures");
  let view = data[0], made = [];
  page.options(run, data.map((each, place) => [place, `${each.name}: ${each.game}, train ${each.train}, eval ${each.eval}`]));
  const place = () => Math.min(Number(at.value), view.iterations.length - 1);
  const size = () => view.iterations[place()];

  function choose() {
    view = data[run.value];
    at.max = view.iterations.length - 1;
    at.value = at.max;
    page.find("populations-paper").textContent = view.paper;
    const players = view.mixtures.eval[0].length;
    bars.replaceChildren();
    page.find("populations-exploitability").replaceChildren();
    page.find("populations-game").replaceChildren();
    made = Array.from({ length: players }, (_, player) => figures.add(bars, () => mixture(player), true));
    made.push(figures.add(page.find("populations-exploitability"), exploitability, true), figures.add(page.find("populations-game"), game));
    move();
  }

  function move() {
    now.value = `${size()}, support ${view.support[place()].join(" and ")}`;
    made.forEach(figures.update);
  }

  const mixture = player => ({
    traces: ["eval", "train"].map(kind => ({
      type: "bar", name: kind, y: view.mixtures[kind][place()][player], marker: { color: figures.shade(kinds[kind]) },
      hovertemplate: "policy %{x}: %{y:.3~g}",
    })),
    layout: { title: `player ${player} in iteration ${size()}`, xaxis: figures.counted("policy", view.mixtures.eval[place()][player].length), yaxis: { title: { text: "weight" }, range: [0, 1] } },
  });

  const exploitability = () => ({
    traces: [...Object.keys(kinds).filter(kind => view.exploitability[kind].some(value => value !== null)).map(kind => ({
      name: kind, x: view.iterations, y: view.exploitability[kind].map(value => value === null ? null : Math.max(value, 1e-17)), mode: "lines+markers",
      line: { color: figures.shade(kinds[kind]) }, hovertemplate: "%{y:.3g} in iteration %{x}",
    }))],
    layout: {
      title: "exploitability of the mixtures", xaxis: figures.counted("iteration", view.iterations[view.iterations.length - 1]), yaxis: { type: "log", exponentformat: "power" },
      shapes: [{ type: "line", x0: size(), x1: size(), y0: 0, y1: 1, yref: "paper", line: { color: figures.colour("quiet"), dash: "dot" } }],
    },
  });

  function game() {
    const most = Math.max(...view.payoffs.flat().map(Math.abs), 1e-9);
    const [n, columns] = [0, 1].map(player => Math.min((view.mixtures.eval[place()][player] || [1]).length, [view.payoffs, view.payoffs[0]][player].length));
    return {
      traces: [{
        type: "heatmap", z: view.payoffs.slice(0, n).map(row => row.slice(0, columns)), zmin: -most, zmax: most,
        colorscale: [[0, "#7f3b08"], [0.25, "#fdb863"], [0.5, "#f7f7f7"], [0.75, "#b2abd2"], [1, "#2d004b"]],
        hovertemplate: "%{y} against %{x}: %{z:.4~g}<extra></extra>", colorbar: { thickness: 10 },
      }],
      layout: { title: "payoff of player 0", xaxis: figures.counted("policy of player 1", columns), yaxis: figures.counted("policy of player 0", n) },
    };
  }

  run.addEventListener("change", choose);
  for (const event of ["input", "change"]) at.addEventListener(event, move);
  choose();
};
