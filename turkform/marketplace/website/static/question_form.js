// What a form can ask for and HTML cannot say: how many selections, and answers that match an expression.
(function () {
  "use strict";
  function patternsOf(field) {
    return JSON.parse(field.dataset.patterns).map(function (rule) {
      try {
        return { expression: new RegExp(rule.regex, rule.flags.toLowerCase().replace(/[^ims]/g, "")), message: rule.message };
      } catch (unknown) {
        return null; // an expression of another dialect: the requester looks at the answer
      }
    }).filter(Boolean);
  }

  document.querySelectorAll("[data-patterns]").forEach(function (field) {
    var rules = patternsOf(field);
    function check() {
      var broken = field.value && rules.find(function (rule) { return !rule.expression.test(field.value); });
      field.setCustomValidity(broken ? broken.message || "This is not in the form that was asked for." : "");
    }
    field.addEventListener("input", check);
    check();
  });

  function counted(n) { return n === 1 ? "1 answer" : n + " answers"; }

  function check(first, chosen, fewest, most, required) {
    var wrong = "";
    if (chosen ? chosen < fewest : required && fewest > 0) wrong = "Choose at least " + counted(fewest) + ".";
    if (chosen > most) wrong = "Choose at most " + counted(most) + ".";
    first.setCustomValidity(wrong);
  }

  document.querySelectorAll("fieldset[data-most]").forEach(function (question) {
    var boxes = question.querySelectorAll("input[type=checkbox]");
    var own = question.querySelector("[data-own]");
    var words = own && document.getElementById(own.dataset.own);
    function changed() {
      if (boxes.length) {
        check(boxes[0], question.querySelectorAll("input[type=checkbox]:checked").length,
          Number(question.dataset.fewest), Number(question.dataset.most), "required" in question.dataset);
      }
      if (own) { words.disabled = !own.checked; words.required = own.checked; }
    }
    question.addEventListener("change", changed);
    changed();
  });

  document.querySelectorAll("select[multiple]").forEach(function (menu) {
    function changed() {
      check(menu, menu.selectedOptions.length, Number(menu.dataset.fewest), Number(menu.dataset.most), menu.required);
    }
    menu.addEventListener("change", changed);
    changed();
  });
})();
