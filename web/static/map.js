// Draws a feeder from JSON that stands in the page, again whenever the page's live part has changed: no tiles, no other host.
"use strict";
(() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  for (const figure of document.querySelectorAll("figure[data-map]")) {
    const part = document.getElementById(figure.dataset.map);
    const read = () => JSON.parse(part.querySelector("script[data-map-data]").textContent);
    const crs = read().degrees ? L.CRS.EPSG3857 : L.CRS.Simple;
    const map = L.map(figure.querySelector(".map"), { crs, attributionControl: false, minZoom: -20, maxZoom: 24, zoomSnap: 0.25 });
    const group = L.featureGroup().addTo(map);
    // Shape and sign say the state; colour only adds to it.
    const draw = () => {
      const given = read();
      const place = (x, y) => [given.y + y * given.step, given.x + x * given.step];
      group.clearLayers();
      for (const [dashed, ...numbers] of given.lines) {
        const corners = [];
        for (let at = 0; at < numbers.length; at += 2) corners.push(place(numbers[at], numbers[at + 1]));
        L.polyline(corners, { color: colour(dashed ? "--warn" : "--ink"), weight: 2, dashArray: dashed ? "4 5" : null, interactive: false }).addTo(group);
      }
      for (const [x, y, device, words] of given.marks) {
        const [sign, look, said] = given.words[words];
        const label = document.createElement("span");
        label.textContent = device + " · " + said;
        const icon = L.divIcon({ className: "mark " + look, html: sign, iconSize: [16, 16] });
        L.marker(place(x, y), { icon, keyboard: false }).bindTooltip(label).addTo(group);
      }
    };
    draw();
    const bounds = group.getBounds();
    if (bounds.isValid()) map.fitBounds(bounds.pad(0.05));
    part.addEventListener("exchanged", draw);
    document.addEventListener("themechange", draw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }
})();
