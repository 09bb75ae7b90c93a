// The page looks again when its task says that something happened, and counts the time down. Nothing depends on it.
(function () {
  "use strict";
  var frame = document.getElementById("task");
  if (frame) {
    window.addEventListener("message", function (event) {
      var known = event.source === frame.contentWindow || event.origin === frame.dataset.origin;
      if (known && event.data === "turkform:look") location.reload();
    });
  }
})();
