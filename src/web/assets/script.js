// Help that pages offer where scripts run; each page works without it. Its words stand in the page, hidden until it can help.
"use strict";

for (const button of document.querySelectorAll("[data-show]")) {
  const field = document.getElementById(button.dataset.show);
  button.hidden = false;
  button.addEventListener("click", () => {
    const isShown = field.type === "password";
    field.type = isShown ? "text" : "password";
    button.setAttribute("aria-pressed", String(isShown));
  });
  // Sent as a password again: browsers remember what was typed into other fields.
  field.form.addEventListener("submit", () => { field.type = "password"; });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const texts = [...document.querySelectorAll(button.dataset.copy)].map((one) => one.textContent);
    try {
      await navigator.clipboard.writeText(texts.join("\n"));
      document.getElementById("copied").hidden = false;
    } catch {
      button.hidden = true;
    }
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
