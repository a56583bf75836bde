// Draws the figures whose JSON stands in the page. Nothing is sent anywhere: no cloud button, no server.
"use strict";
(() => {
  const config = { responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "", modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const series = () => ["--line1", "--line2", "--line3", "--line4", "--line5", "--line6"].map(colour);

  function layout(given, data) {
    const ink = colour("--ink"), line = colour("--line");
    const ofDates = data.some((trace) => trace.x && /^\d{4}-\d\d/.test(trace.x[0]));
    // Numbers only, so that the axis reads the same in every language.
    const tickformatstops = [
      { dtickrange: [null, 60000], value: "%H:%M:%S" }, { dtickrange: [60000, 86400000], value: "%H:%M\n%m-%d" },
      { dtickrange: [86400000, "M1"], value: "%m-%d\n%Y" }, { dtickrange: ["M1", null], value: "%Y-%m" },
    ];
    const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, automargin: true };
    const own = Object.assign({}, given, {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink, family: getComputedStyle(document.body).fontFamily, size: 12 },
      colorway: series(), margin: Object.assign({ l: 50, r: 12, t: 24, b: 40 }, given.margin), autosize: true,
    });
    delete own.template; delete own.width; delete own.height;
    for (const key of Object.keys(given)) if (/^[xy]axis\d*$/.test(key)) own[key] = Object.assign({}, axis, given[key]);
    own.xaxis = Object.assign(ofDates ? { tickformatstops } : {}, axis, own.xaxis); own.yaxis = Object.assign({}, axis, own.yaxis);
    return own;
  }

  // The library reads some tags in texts: what people and other systems wrote must stay what they wrote.
  function plain(value, key) {
    if (typeof value === "string") return /template$/.test(key) ? value : value.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
    if (Array.isArray(value)) return value.map((item) => plain(item, key));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item, name)]));
    return value;
  }

  function draw(figure) {
    const source = figure.querySelector('script[type="application/json"]');
    let place = figure.querySelector(".place");
    if (!place) { place = document.createElement("div"); place.className = "place"; figure.prepend(place); }
    const given = plain(JSON.parse(source.textContent), "");
    window.Plotly.react(place, given.data, layout(given.layout || {}, given.data), config);
  }

  function all() { for (const figure of document.querySelectorAll("figure.chart")) draw(figure); }
  all();
  document.addEventListener("themechange", all);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
})();
