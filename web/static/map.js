// Draws a feeder from GeoJSON that stands in the page: no tiles, no other host.
"use strict";
(() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  for (const figure of document.querySelectorAll("figure[data-map]")) {
    const given = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    const map = L.map(figure.querySelector(".map"), { crs: L.CRS.Simple, attributionControl: false, minZoom: -20, zoomSnap: 0.25 });
    // A closed switch is filled, an open one hollow and its line dashed; a transformer is a small hollow dot.
    const look = (feature) => {
      const out = feature.properties.out;
      const open = feature.properties.state !== "closed", transformer = feature.properties.kind === "transformer";
      return {
        color: colour(out ? "--alarm" : "--ink"), weight: out ? 3 : 2, fillOpacity: 1, radius: transformer && !out ? 3.5 : 6,
        dashArray: open && feature.geometry.type === "LineString" ? "3 6" : null,
        fillColor: open || transformer ? colour("--surface") : colour("--ink"),
      };
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
