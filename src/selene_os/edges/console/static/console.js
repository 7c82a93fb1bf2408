// What a page can do beyond being read; everything works without it.
"use strict";

for (const button of document.querySelectorAll(".copy-button")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

for (const button of document.querySelectorAll("[data-expand]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const all = document.querySelectorAll(".turns details");
    const open = [...all].some((one) => !one.open);
    for (const one of all) one.open = open;
    button.textContent = open ? "Collapse all" : "Expand all";
  });
}

// A menu closes when one looks elsewhere.
const menus = document.querySelectorAll(".menu");
document.addEventListener("click", (event) => {
  for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "Escape") {
    for (const menu of menus) {
      if (menu.open) { menu.open = false; menu.querySelector("summary").focus(); }
    }
  } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const field = document.querySelector("[data-focus]");
    if (field) { event.preventDefault(); field.focus(); }
  }
});
