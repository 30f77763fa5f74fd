// The policy browser: infosets that match, as rows and as a heat map.
page.scripts.policies = (root, data) => {
  const [run, search, player, reach, sort] = ["run", "search", "player", "reach", "sort"].map(id => page.find(`policies-${id}`));
  const count = page.find("policies-count"), body = root.querySelector("#policies-table tbody"), more = page.find("policies-more");
  const text = place => data.texts[place];
  const ROWS = 50, HEAT = 150;
  let matching = [], shown = 0, policy = data.policies[0];

  page.options(run, data.policies.map((each, place) => [place, `${each.name}: ${each.game}`]));

  function choose() {
    policy = data.policies[run.value];
    page.options(player, [["", "all"], ...Array.from({ length: policy.players }, (_, p) => [p, p])]);
    page.find("policies-paper").textContent = policy.paper;
    filter();
  }

  function filter() {
    const wanted = page.pattern(search.value);
    matching = policy.rows.filter(row => (player.value === "" || row[0] === Number(player.value)) && row[5] >= Number(reach.value)
      && (!search.value || wanted.test(text(row[1])) || wanted.test(text(row[2])) || row[3].some(name => wanted.test(text(name)))));
    const key = { reach: 5, regret: 6 }[sort.value];
    if (key) matching.sort((a, b) => b[key] - a[key]);
    const left = policy.total - policy.rows.length;
    count.value = `${matching.length} of ${policy.total} infosets` + (left ? `; ${left} that are reached least: ${policy.show}` : "")
      + (policy.missing ? `; ${policy.missing} that the file does not mention are played uniformly` : "");
    shown = 0;
    body.replaceChildren();
    extend();
    figures.update(map);
  }

  function extend() {
    body.append(...matching.slice(shown, shown + ROWS).map(line));
    shown = Math.min(shown + ROWS, matching.length);
    more.hidden = shown === matching.length;
    more.textContent = `${Math.min(ROWS, matching.length - shown)} more of ${matching.length - shown}`;
  }

  function line(row) {
    const [who, label, after, names, probabilities, often, regret, regrets] = row;
    const plays = names.map((name, k) => {
      const bar = page.make("i");
      bar.style.width = `${100 * probabilities[k]}%`;
      const title = `regret ${page.number(regrets[k], 3)}`;
      return page.make("span", { class: "play", title }, bar, page.make("span", {}, `${text(name)} ${page.share(probabilities[k])}`));
    });
    const cells = [who, text(label), text(after), null, page.number(often), page.number(regret, 3)];
    return page.make("tr", {}, ...cells.map((cell, k) => k === 3 ? page.make("td", {}, ...plays) : page.make("td", {}, `${cell}`)));
  }

  const map = figures.add(page.find("policies-map"), () => {
    const rows = matching.slice(0, HEAT), names = [...new Set(rows.flatMap(row => row[3]))].slice(0, 40);
    const at = row => names.map(name => { const k = row[3].indexOf(name); return k < 0 ? null : row[4][k]; });
    const labels = rows.map(row => figures.plain(`${row[0]}: ${text(row[1])}`));
    const short = labels.map(label => label.length > 34 ? `...${label.slice(-31)}` : label);
    return {
      traces: [{
        type: "heatmap", z: rows.map(at), x: names.map((_, k) => k), y: labels.map((_, k) => k), zmin: 0, zmax: 1, colorscale: "Cividis",
        text: rows.map((_, i) => names.map(name => `${labels[i]}<br>${figures.plain(text(name))}`)), hovertemplate: "%{text}: %{z:.3~g}<extra></extra>",
        colorbar: { thickness: 10, title: { text: "probability" } }, hoverongaps: false, xgap: 1, ygap: rows.length > 60 ? 0 : 1,
      }],
      layout: {
        title: `what is played at the first ${rows.length} of these infosets`, height: Math.max(240, Math.min(900, 110 + 15 * rows.length)),
        xaxis: { tickvals: names.map((_, k) => k), ticktext: names.map(name => figures.plain(text(name))), showgrid: false },
        yaxis: { tickvals: rows.length > 60 ? [] : rows.map((_, k) => k), ticktext: short, autorange: "reversed", showgrid: false },
      },
    };
  });

  run.addEventListener("change", choose);
  for (const control of [search, player, reach, sort]) for (const event of ["input", "change"]) control.addEventListener(event, filter);
  more.addEventListener("click", extend);
  choose();
};
