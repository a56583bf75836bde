// Sets the chosen theme before the page is painted. Loaded in the head, because inline scripts are not allowed.
(() => {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  document.documentElement.classList.add("scripted");
})();
