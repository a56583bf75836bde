// Draws a feeder from GeoJSON that stands in the page: no tiles, no other host.
"use strict";
(() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  for (const figure of document.querySelectorAll("figure[data-map]")) {
    const given = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    const map = L.map(figure.querySelector(".map"), { crs: L.CRS.Simple, attributionControl: false, minZoom: -20, zoomSnap: 0.25 });
    const look = (feature) => {
      const state = feature.properties.state;
      const out = state === "out";
      return { color: out ? colour("--alarm") : colour("--ink"), weight: out ? 3 : 2, dashArray: out ? "6 5" : null, fillColor: colour("--surface"), fillOpacity: 1, radius: feature.properties.switch ? 6 : 4 };
    };
    const layer = L.geoJSON(given, {
      style: look,
      pointToLayer: (feature, place) => L.circleMarker(place, look(feature)),
      onEachFeature: (feature, shape) => { const label = document.createElement("span"); label.textContent = feature.properties.label; shape.bindTooltip(label); },
    }).addTo(map);
    const bounds = layer.getBounds();
    if (bounds.isValid()) map.fitBounds(bounds.pad(0.05));
  }
})();
