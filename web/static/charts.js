// Draws each chart from the table behind it: zoom by dragging, back by a double
// click or Escape, day by day with the arrow keys, Enter to the day's runs.
// Without this file the server's drawing and the table stay.
(function () {
  "use strict";
  if (!window.uPlot) return;

  var dayName = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  var dashes = [[], [6, 3], [2, 3], []];

  function read(figure) {
    var days = [];
    var lines = Array.prototype.map.call(figure.querySelectorAll("thead th[data-line]"), function (th) {
      return { label: th.dataset.line, points: "points" in th.dataset, values: [] };
    });
    var rows = [];
    figure.querySelectorAll("tbody tr[data-day]").forEach(function (tr) {
      days.push(Number(tr.dataset.day));
      tr.querySelectorAll("td[data-v]").forEach(function (td, i) {
        var v = td.dataset.v === "" ? null : Number(td.dataset.v);
        lines[i].values.push(lines[i].points && !v ? null : v);
      });
      var link = tr.querySelector("th a");
      rows.push({ tr: tr, href: link ? link.getAttribute("href") : "" });
    });
    return { days: days, lines: lines, rows: rows };
  }

  function colour(name) {
    // light-dark() is resolved only where it is used, so a probe asks.
    var probe = document.createElement("span");
    probe.className = name;
    document.body.appendChild(probe);
    probe.style.color = "var(--line, var(--cx-soft))";
    var value = window.getComputedStyle(probe).color;
    probe.remove();
    return value;
  }

  function draw(figure) {
    var host = figure.querySelector("[data-plot]");
    var says = figure.querySelector("[data-says]");
    if (!host) return null;
    var data = read(figure);
    if (data.days.length < 2) return null;
    var unit = figure.dataset.unit;
    var summary = says.textContent;
    var soft = colour("text-secondary");
    var red = colour("cx-line-3");
    var grid = { stroke: "rgba(128,140,155,.22)", width: 1 };
    var series = [{}].concat(
      data.lines.map(function (line, i) {
        var stroke = colour("cx-line-" + i);
        return line.points
          ? { label: line.label, stroke: stroke, width: 0, paths: function () { return null; }, points: { show: true, size: 7, fill: stroke } }
          : { label: line.label, stroke: stroke, width: 2, dash: dashes[i], points: { show: data.days.length < 3 }, spanGaps: unit === "ms" };
      })
    );

    function say(i) {
      var row = data.rows[i];
      if (!row) {
        says.textContent = summary;
        return;
      }
      var parts = [new Date(data.days[i] * 1000).toISOString().slice(0, 10)];
      data.lines.forEach(function (line) {
        if (line.values[i] !== null) parts.push(line.label + " " + line.values[i] + (unit === "%" ? "%" : " " + unit));
      });
      row.tr.querySelectorAll("[data-mark]").forEach(function (m, n) {
        if (n < 2) parts.push(m.textContent.trim());
      });
      says.textContent = parts.join(" · ");
    }

    var plot = new window.uPlot(
      {
        width: host.clientWidth - 32,
        height: host.clientHeight - 12,
        legend: { show: false },
        cursor: { y: false, drag: { x: true, y: false } },
        tzDate: function (ts) {
          return window.uPlot.tzDate(new Date(ts * 1000), "Etc/UTC");
        },
        scales: { y: { range: unit === "%" ? [0, 100] : function (u, min, max) { return [0, Math.max(1, max * 1.08)]; } } },
        axes: [
          {
            stroke: soft,
            grid: grid,
            ticks: grid,
            values: function (u, ticks) {
              return ticks.map(function (ts) {
                return dayName.format(new Date(ts * 1000));
              });
            },
          },
          {
            stroke: soft,
            grid: grid,
            ticks: grid,
            size: 64,
            values: function (u, ticks) {
              return ticks.map(function (v) {
                return v + (unit === "%" ? "%" : " " + unit);
              });
            },
          },
        ],
        series: series,
        hooks: {
          setCursor: [
            function (u) {
              say(u.cursor.idx === null || u.cursor.left < 0 ? -1 : u.cursor.idx);
            },
          ],
          drawClear: [
            function (u) {
              var c = u.ctx;
              c.save();
              [["counted", soft, [1, 4]], ["drop", red, [4, 4]]].forEach(function (mark) {
                c.strokeStyle = mark[1];
                c.setLineDash(mark[2]);
                data.rows.forEach(function (row, i) {
                  if (!(mark[0] in row.tr.dataset)) return;
                  var x = u.valToPos(data.days[i], "x", true);
                  if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) return;
                  c.beginPath();
                  c.moveTo(x, u.bbox.top);
                  c.lineTo(x, u.bbox.top + u.bbox.height);
                  c.stroke();
                });
              });
              c.restore();
            },
          ],
        },
      },
      [data.days].concat(
        data.lines.map(function (line) {
          return line.values;
        })
      ),
      host
    );
    host.classList.add("cx-live-plot");
    host.tabIndex = 0;
    host.setAttribute("role", "group");
    host.setAttribute("aria-label", summary + " Arrow keys walk through the days, Enter opens the day’s runs, plus and minus zoom.");

    var at = data.days.length - 1;
    function place() {
      plot.setCursor({ left: plot.valToPos(data.days[at], "x"), top: 10 });
    }
    function zoom(factor) {
      var x = plot.scales.x;
      var half = ((x.max - x.min) / 2) * factor;
      var middle = data.days[at];
      plot.setScale("x", { min: Math.max(data.days[0], middle - half), max: Math.min(data.days[data.days.length - 1], middle + half) });
    }
    function whole() {
      plot.setScale("x", { min: data.days[0], max: data.days[data.days.length - 1] });
    }
    host.onkeydown = function (event) {
      var step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30, Home: -data.days.length, End: data.days.length }[event.key];
      if (step) at = Math.min(data.days.length - 1, Math.max(0, at + step));
      else if (event.key === "Enter") {
        if (data.rows[at].href) window.location.assign(data.rows[at].href);
        return;
      } else if (event.key === "+") zoom(0.5);
      else if (event.key === "-") zoom(2);
      else if (event.key === "Escape") whole();
      else return;
      event.preventDefault();
      place();
    };
    // A click opens the day, a drag zooms: what moved is a drag.
    var from = 0;
    host.onmousedown = function (event) {
      from = event.clientX;
    };
    host.onclick = function (event) {
      if (Math.abs(event.clientX - from) > 3 || plot.cursor.idx === null || event.detail > 1) return;
      at = plot.cursor.idx;
      var href = data.rows[at].href;
      if (!href) return;
      window.clearTimeout(host.opening);
      host.opening = window.setTimeout(function () {
        window.location.assign(href);
      }, 300);
    };
    host.ondblclick = function () {
      window.clearTimeout(host.opening);
      whole();
    };
    return plot;
  }

  var plots = [];
  function drawAll() {
    plots.forEach(function (p) {
      p.plot.destroy();
    });
    plots = [];
    document.querySelectorAll("[data-chart]").forEach(function (figure) {
      var plot = draw(figure);
      if (plot) plots.push({ plot: plot, host: figure.querySelector("[data-plot]") });
    });
  }
  drawAll();
  new MutationObserver(drawAll).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
  if (window.ResizeObserver) {
    var sizes = new ResizeObserver(function () {
      plots.forEach(function (p) {
        p.plot.setSize({ width: p.host.clientWidth - 32, height: p.host.clientHeight - 12 });
      });
    });
    document.querySelectorAll("[data-plot]").forEach(function (host) {
      sizes.observe(host);
    });
  }
})();
