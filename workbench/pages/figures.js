// Figures: drawn by plotly when they come into sight, in the colours of the page.
const figures = (() => {
  const drawn = new Map();  // element: what returns its traces and layout
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let library = null;

  const plain = text => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // Dark colours are hard to see on dark ground.
  function shade(hex) {
    if (!dark.matches) return hex;
    const parts = [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
    const light = 0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2];
    const more = Math.max(0, (150 - light) / 255);
    return `rgb(${parts.map(part => Math.round(part + (255 - part) * more)).join(",")})`;
  }

  // The colour for areas behind lines.
  function faint(colour) {
    const parts = colour.startsWith("#") ? [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16)) : colour.match(/\d+/g);
    return `rgba(${parts.join(",")},0.18)`;
  }

  function load() {
    library ??= new Promise((resolve, reject) => {
      const holder = page.find("plotly");
      const script = document.createElement("script");
      if (page.settings.assets) {
        script.nonce = holder.dataset.nonce;
        script.onload = resolve;
        script.onerror = () => reject(new Error(`${page.settings.assets} is not beside this page`));
        script.src = page.settings.assets;
        document.head.append(script);
      } else {
        script.textContent = holder.textContent;
        document.head.append(script);
        resolve();
      }
    });
    return library;
  }

  function render(element) {
    const { traces, layout } = drawn.get(element)();
    const axis = { gridcolor: colour("line"), zerolinecolor: colour("line"), linecolor: colour("line"), automargin: true };
    const whole = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: colour("fg"), size: 12 },
      margin: { l: 56, r: 12, t: 34, b: 44 }, legend: { orientation: "h", y: element.classList.contains("low") ? -0.42 : -0.2, yanchor: "top" }, hovermode: "closest",
      hoverlabel: { namelength: -1 }, modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("quiet"), activecolor: colour("accent") }, ...layout,
      title: { text: plain(layout.title || ""), font: { size: 13 }, x: 0.01, xanchor: "left" },
      xaxis: { ...axis, ...layout.xaxis }, yaxis: { ...axis, ...layout.yaxis },
    };
    const config = { responsive: true, displaylogo: false, displayModeBar: "hover", modeBarButtonsToRemove: ["select2d", "lasso2d"] };
    return Plotly.react(element, traces, whole, config).then(() => { element.dataset.drawn = "yes"; });
  }

  // Returns a new element for a figure; `what` returns { traces, layout } and is asked when it is seen, and at every update.
  function add(parent, what, low = false) {
    const element = page.make("div", { class: low ? "figure low" : "figure" });
    parent.append(element);
    page.seen(element, () => {
      load().then(() => {
        drawn.set(element, what);
        return render(element);
      }).catch(error => element.replaceChildren(page.make("p", { class: "quiet" }, `no figure: ${error.message}`)));
    });
    return element;
  }

  // Returns an axis of what is counted up to `most`: its ticks are whole numbers.
  function counted(text, most) {
    const step = [1, 2, 5].flatMap(m => [m, 10 * m, 100 * m, 1000 * m]).sort((a, b) => a - b).find(each => most / each <= 10) ?? 10000;
    return { title: { text }, tickmode: "linear", tick0: 0, dtick: step };
  }

  const update = element => { if (drawn.has(element)) render(element); };
  dark.addEventListener("change", () => { for (const element of drawn.keys()) render(element); });
  return { add, update, plain, shade, faint, colour, counted };
})();
