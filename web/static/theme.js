// Runs before the first paint, so that a dark page never flashes white. The
// choice is the person's if they made one, and the system's otherwise.
(function () {
  "use strict";
  var chosen = null;
  try {
    chosen = localStorage.getItem("cxseal-theme");
  } catch (e) {
    // Storage is forbidden here: follow the system.
  }
  var system = window.matchMedia("(prefers-color-scheme: dark)");
  function apply() {
    var dark = chosen ? chosen === "dark" : system.matches;
    document.documentElement.setAttribute("data-bs-theme", dark ? "dark" : "light");
  }
  apply();
  system.addEventListener("change", apply);
  window.cxsealTheme = {
    toggle: function () {
      chosen = document.documentElement.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
      try {
        localStorage.setItem("cxseal-theme", chosen);
      } catch (e) {
        // Then it holds for this page.
      }
      apply();
      return chosen;
    },
  };
})();
