// Two comforts that no page depends on: the page goes on when its task is over, and the time that is left counts down.
(function () {
  "use strict";
  var frame = document.getElementById("task");
  var looking = false;

  // A task's page can say anything at any time, so its word is only a reason to ask the server: where the same task is
  // still in hand, nothing happens.
  function look() {
    if (looking) return;
    looking = true;
    fetch(location.href, { credentials: "same-origin" }).then(function (answer) {
      return answer.text();
    }).then(function (page) {
      var now = new DOMParser().parseFromString(page, "text/html").getElementById("task");
      if (!now || now.getAttribute("src") !== frame.getAttribute("src")) location.reload();
    }).catch(function () {}).finally(function () {
      setTimeout(function () { looking = false; }, 1000);
    });
  }

  if (frame) {
    window.addEventListener("message", function (event) {
      var known = event.source === frame.contentWindow || event.origin === frame.dataset.origin;
      if (known && event.data === "turkform:look") look();
    });
  }

  var clock = document.getElementById("clock");
  if (clock) {
    var ends = Date.now() + Number(clock.dataset.seconds) * 1000;
    var shown = clock.querySelector("time");
    var said = document.getElementById("clock-said");
    var warnings = [[60, "One minute left"], [300, "Five minutes left"]].filter(function (warning) {
      return warning[0] < Number(clock.dataset.seconds);
    });
    var two = function (n) { return (n < 10 ? "0" : "") + n; };
    var tick = function () {
      var left = Math.max(0, Math.round((ends - Date.now()) / 1000));
      var days = Math.floor(left / 86400), hours = Math.floor(left / 3600) % 24, minutes = Math.floor(left / 60) % 60;
      shown.textContent = (days ? days + " d " : "") + (days || hours ? hours + ":" + two(minutes) : minutes) + ":" + two(left % 60);
      clock.classList.toggle("short", left <= 60);
      while (warnings.length && left <= warnings[warnings.length - 1][0]) said.textContent = warnings.pop()[1];
      if (left) return;
      clearInterval(timer);
      setTimeout(function () { location.reload(); }, 1500);
    };
    var timer = setInterval(tick, 1000);
    tick();
  }
})();
