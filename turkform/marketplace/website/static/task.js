// In every HTML task, before anything of its own. Pages were written for Mechanical Turk: they post to its address and
// wait for a script from its servers to fill in the assignment. Here they find this marketplace instead.
(function () {
  "use strict";
  var NOT_ACCEPTED = "ASSIGNMENT_ID_NOT_AVAILABLE";
  var query = new URLSearchParams(location.search);
  var assignment = query.get("assignmentId") || NOT_ACCEPTED;
  var target = location.origin + "/mturk/externalSubmit";

  function prepare(form) {
    var action = form.getAttribute("action");
    if (action && !/\/mturk\/externalSubmit\/?$/.test(action)) return;
    form.setAttribute("action", target);
    form.setAttribute("method", "post");
    form.removeAttribute("target");
    var field = form.querySelector("input[name=assignmentId]");
    if (!field) {
      field = document.createElement("input");
      field.type = "hidden";
      field.name = "assignmentId";
      form.prepend(field);
    }
    field.value = assignment;
  }

  function prepareAll() {
    document.querySelectorAll("form").forEach(prepare);
  }

  var submit = HTMLFormElement.prototype.submit;
  HTMLFormElement.prototype.submit = function () {
    prepare(this);
    submit.call(this);
  };
  document.addEventListener("submit", function (event) { prepare(event.target); }, true);
  document.addEventListener("DOMContentLoaded", prepareAll);
  window.addEventListener("load", prepareAll);

  // What the script from Mechanical Turk's servers offered; where that one still loads, it takes the place of these.
  window.turkGetParam = function (name, otherwise) {
    return query.has(name) ? query.get(name) : otherwise === undefined ? "" : otherwise;
  };
  window.turkGetSubmitToHost = function () { return location.origin; };
  window.turkSetAssignmentID = function (formName, buttonName) {
    var form = document.getElementById(formName || "mturk_form") || document.forms[formName || "mturk_form"];
    if (form) prepare(form);
    var button = document.getElementById(buttonName || "submitButton");
    if (button && assignment === NOT_ACCEPTED) {
      button.disabled = true;
      button.value = "Accept the task before you hand it in";
    }
  };

  // Pages of crowd-html-elements are nothing without a script from elsewhere: say so where it does not come.
  window.addEventListener("load", function () {
    var form = document.querySelector("crowd-form");
    if (!form || customElements.get("crowd-form")) return;
    var script = document.querySelector("script[src*='crowd-html-elements']");
    var notice = document.createElement("div");
    notice.id = "turkform-notice";
    notice.setAttribute("role", "alert");
    notice.style.cssText = "margin:0 0 1em;padding:1em;border:2px solid #9a3412;background:#fff7ed;color:#431407;" +
      "font:16px/1.5 system-ui,sans-serif";
    notice.textContent = "This task is built with crowd-html-elements, and " +
      (script ? "their script could not be loaded from " + script.src + "." : "does not load their script.") +
      " It cannot be done without it: please return the task.";
    document.body.prepend(notice);
    customElements.whenDefined("crowd-form").then(function () { notice.remove(); });
  });
})();
