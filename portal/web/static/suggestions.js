// Completions under the search boxes: the combobox pattern of WAI-ARIA. Without this script the boxes are plain forms.
"use strict";
for (const input of document.querySelectorAll("input[data-suggestions]")) {
  const list = document.createElement("ul");
  list.id = input.id + "-list";
  list.className = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", document.querySelector(`label[for="${input.id}"]`).textContent);
  input.parentNode.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) input.setAttribute(name, value);

  let timer = 0;
  let asked = 0;
  let current = -1;

  const close = () => {
    list.hidden = true;
    current = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const choose = (step) => {
    const options = [...list.children];
    if (list.hidden || !options.length) return;
    if (current >= 0) options[current].setAttribute("aria-selected", "false");
    current = (current + step + options.length + (current < 0 && step < 0 ? 1 : 0)) % options.length;
    options[current].setAttribute("aria-selected", "true");
    options[current].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[current].id);
  };

  const show = (found) => {
    list.replaceChildren(...found.map((one, position) => {
      const option = document.createElement("li");
      option.id = `${list.id}-${position}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.dataset.address = one.address;
      const kind = document.createElement("span");
      kind.textContent = one.kind;
      option.append(one.text, " ", kind);
      return option;
    }));
    current = -1;
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(Boolean(found.length)));
  };

  const ask = async () => {
    const mine = ++asked;
    const typed = input.value.trim();
    if (!typed) return close();
    const answer = await fetch(`${input.dataset.suggestions}?${new URLSearchParams({ q: typed })}`).catch(() => null);
    const found = answer?.ok ? await answer.json() : [];
    // A slow answer to an earlier key must not replace that to a later one.
    if (mine === asked && document.activeElement === input) show(found);
  };

  input.addEventListener("input", (event) => {
    // While a Chinese word is being composed, its letters are no question yet.
    if (event.isComposing) return;
    clearTimeout(timer);
    timer = setTimeout(ask, 150);
  });
  input.addEventListener("compositionend", () => { clearTimeout(timer); timer = setTimeout(ask, 150); });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "Enter" && current >= 0) {
      event.preventDefault();
      location.assign(list.children[current].dataset.address);
    }
  });
  input.addEventListener("blur", () => { asked += 1; close(); });
  // The box would lose its focus, and the list vanish, before a click counts.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) location.assign(option.dataset.address);
  });
}
