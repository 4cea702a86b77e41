// What the console does in the browser beyond htmx: theme, time zone, copying,
// shortcuts, select-all. Every page works without it.
(function () {
  "use strict";

  function remember(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch (e) {
      // Storage is forbidden here: the choice holds for this page.
    }
  }

  function recall(key) {
    try {
      return localStorage.getItem(key);
    } catch (e) {
      return null;
    }
  }

  function toast(text) {
    var region = document.getElementById("toasts");
    if (!region) return;
    var item = document.createElement("p");
    item.className = "cx-toast";
    item.textContent = text;
    region.appendChild(item);
    window.setTimeout(function () {
      item.remove();
    }, 4000);
  }

  // Times come from the server in UTC. The person's own zone is a switch, and
  // both spellings say which they are.
  var local = recall("cxseal-zone") === "local";

  function spell(el) {
    if (!el.dataset.utc) el.dataset.utc = el.textContent;
    if (!local) {
      el.textContent = el.dataset.utc;
      return;
    }
    var when = new Date(el.getAttribute("datetime"));
    if (isNaN(when)) return;
    var parts = { day: "numeric", month: "short", year: "numeric" };
    if (!("day" in el.dataset)) {
      parts.hour = "2-digit";
      parts.minute = "2-digit";
      parts.hourCycle = "h23";
      parts.timeZoneName = "short";
      if ("precise" in el.dataset) parts.second = "2-digit";
    }
    el.textContent = new Intl.DateTimeFormat("en-GB", parts).format(when);
  }

  function spellAll(root) {
    root.querySelectorAll("time[datetime]").forEach(spell);
  }

  function reveal(root) {
    root.querySelectorAll("[data-copy], [data-select-all]").forEach(function (el) {
      el.hidden = false;
    });
    root.querySelectorAll("[data-select-all]").forEach(reflect);
    if (local) spellAll(root);
  }

  // A checkbox that stands for a group: checked, unchecked, or in between.
  function group(all) {
    var boxes = all.closest("table").querySelectorAll('input[type="checkbox"][name="' + all.dataset.selectAll + '"]');
    return Array.prototype.slice.call(boxes);
  }

  function reflect(all) {
    var boxes = group(all);
    var on = boxes.filter(function (b) {
      return b.checked;
    }).length;
    all.hidden = boxes.length < 2;
    all.checked = on > 0 && on === boxes.length;
    all.indeterminate = on > 0 && on < boxes.length;
  }

  document.addEventListener("change", function (event) {
    var el = event.target;
    if (el.matches("[data-select-all]")) {
      group(el).forEach(function (b) {
        b.checked = el.checked;
      });
    } else if (el.matches('input[type="checkbox"]')) {
      var table = el.closest("table");
      var all = table && table.querySelector("[data-select-all]");
      if (all) reflect(all);
    }
  });

  document.addEventListener("click", function (event) {
    var copy = event.target.closest("[data-copy]");
    if (copy) {
      // The clipboard is only there over HTTPS or on this machine itself.
      var done = navigator.clipboard ? navigator.clipboard.writeText(copy.dataset.copy) : Promise.reject();
      done.then(
        function () {
          toast("Copied");
        },
        function () {
          toast("Copying is not allowed here. Select the text instead.");
        }
      );
      return;
    }
    document.querySelectorAll("details.cx-menu[open]").forEach(function (menu) {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  // A form that changes something is sent once, however often it is clicked.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
    });
  });

  // The event stream replaces the whole dossier; what the person had unfolded
  // stays unfolded.
  var unfolded = [];
  document.addEventListener("htmx:beforeSwap", rememberFolds);
  document.addEventListener("htmx:sseBeforeMessage", rememberFolds);
  function rememberFolds() {
    unfolded = Array.prototype.map.call(document.querySelectorAll("details[id][open]"), function (d) {
      return d.id;
    });
  }
  function restore(event) {
    unfolded.forEach(function (id) {
      var el = document.getElementById(id);
      if (el) el.open = true;
    });
    reveal(event.target instanceof Element ? event.target : document);
  }
  document.addEventListener("htmx:afterSwap", restore);
  document.addEventListener("htmx:sseMessage", restore);

  var shortcuts = document.getElementById("shortcuts");
  var places = {};
  if (shortcuts) {
    shortcuts.querySelectorAll("[data-go]").forEach(function (el) {
      places[el.dataset.key] = el.dataset.go;
    });
  }

  // Single keys must be possible to turn off (WCAG 2.1.4): speech input types
  // them by accident.
  var listening = recall("cxseal-keys") !== "off";
  var keys = document.getElementById("shortcuts-on");
  if (keys) {
    keys.checked = listening;
    keys.addEventListener("change", function () {
      listening = keys.checked;
      remember("cxseal-keys", listening ? "on" : "off");
    });
  }

  var armed = 0; // until when a letter after g means a place
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      document.querySelectorAll("details.cx-menu[open]").forEach(function (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      });
      if (event.target.matches("input[type=search]")) event.target.blur(); // to the other keys
      return;
    }
    if (!listening || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, select, textarea, dialog, [contenteditable]")) return;
    if (event.timeStamp < armed) {
      armed = 0;
      if (places[event.key]) {
        event.preventDefault();
        window.location.assign(places[event.key]);
      }
      return;
    }
    if (event.key === "g") {
      armed = event.timeStamp + 1500;
    } else if (event.key === "/") {
      var search = document.getElementById("search") || document.querySelector(".cx-filter input, .cx-filter select");
      if (search) {
        event.preventDefault();
        search.focus();
      }
    } else if (event.key === "?" && shortcuts) {
      event.preventDefault();
      shortcuts.showModal();
    }
  });

  var theme = document.getElementById("theme");
  if (theme) {
    theme.hidden = false;
    theme.addEventListener("click", function () {
      toast(window.cxsealTheme.toggle() === "dark" ? "Dark theme" : "Light theme");
    });
  }

  var help = document.getElementById("show-shortcuts");
  if (help && shortcuts) {
    help.hidden = false;
    help.addEventListener("click", function () {
      help.closest("details").open = false;
      shortcuts.showModal();
    });
  }

  var zone = document.getElementById("zone");
  function nameZone() {
    zone.textContent = local ? "Times in local time" : "Times in UTC";
    zone.setAttribute("aria-label", zone.textContent + ", switch");
  }
  if (zone) {
    zone.hidden = false;
    nameZone();
    zone.addEventListener("click", function () {
      local = !local;
      remember("cxseal-zone", local ? "local" : "utc");
      nameZone();
      spellAll(document);
    });
  }

  reveal(document);

  // On a telephone the navigation is a strip: bring the present page into it.
  var here = document.querySelector(".cx-nav [aria-current]");
  var strip = here && here.closest(".cx-nav");
  if (strip && strip.scrollWidth > strip.clientWidth) {
    strip.scrollLeft = here.offsetLeft - strip.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;
  }
})();
