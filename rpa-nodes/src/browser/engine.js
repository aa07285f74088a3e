// Runs in the page for one question and leaves nothing behind. Selectors are CSS (with :has-text(…), :text-is(…) and
// :visible), `xpath=…` or `//…`, `text=…`, `id=…`, `data-testid=…`; `>>` looks within what was found so far.
(function (question, given) {
  const plain = (text) => (text || "").replace(/\s+/g, " ").trim();
  const said = (element) =>
    element instanceof HTMLInputElement && ["button", "submit", "reset"].includes(element.type)
      ? element.value : element.textContent;

  // Open shadow roots are looked into where the document itself has nothing.
  function query(root, css) {
    const found = [...root.querySelectorAll(css)];
    if (found.length) return found;
    for (const host of root.querySelectorAll("*"))
      if (host.shadowRoot) found.push(...query(host.shadowRoot, css));
    return found;
  }

  function isVisible(element) {
    const box = element.getBoundingClientRect();
    if (element.checkVisibility && !element.checkVisibility({ visibilityProperty: true })) return false;
    return box.width > 0 && box.height > 0;
  }

  function unquoted(text) {
    text = text.trim();
    const quote = text[0];
    const isQuoted = text.length > 1 && (quote === '"' || quote === "'") && text.endsWith(quote);
    return [isQuoted ? text.slice(1, -1) : text, isQuoted];
  }

  // The innermost elements that say a text.
  function byText(root, text) {
    const [wanted, exactly] = unquoted(text);
    const fits = (element) => exactly
      ? plain(said(element)) === plain(wanted)
      : plain(said(element)).toLowerCase().includes(plain(wanted).toLowerCase());
    const within = root.body || root;
    return query(within, "*").filter((element) =>
      !["SCRIPT", "STYLE", "NOSCRIPT", "TITLE"].includes(element.tagName) && fits(element)
        && ![...element.children].some(fits));
  }

  function byXpath(root, path) {
    const result = document.evaluate(path, root, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
    const found = [];
    for (let place = 0; place < result.snapshotLength; place++) {
      const node = result.snapshotItem(place);
      found.push(node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement || node.ownerElement);
    }
    return found.filter(Boolean);
  }

  // CSS with the conditions that it does not have.
  function byCss(root, css) {
    const own = /:(has-text|text-is)\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^)]*)\s*\)|:visible/;
    const match = own.exec(css);
    if (!match) return query(root, css);
    const before = css.slice(0, match.index);
    const after = css.slice(match.index + match[0].length);
    const start = /(^|[\s>+~,])$/.test(before) ? before + "*" : before;
    let found = query(root, start);
    const wanted = match[2] === undefined ? "" : plain(unquoted(match[2])[0]);
    if (match[1] === "has-text")
      found = found.filter((element) => plain(said(element)).toLowerCase().includes(wanted.toLowerCase()));
    else if (match[1] === "text-is") found = found.filter((element) => plain(said(element)) === wanted);
    else found = found.filter(isVisible);
    if (!after.trim()) return found;
    if (/^[\s>+~]/.test(after))
      return [...new Set(found.flatMap((element) => byCss(element, ":scope" + after)))];
    const rest = new Set(byCss(root, "*" + after));
    return found.filter((element) => rest.has(element));
  }

  function byPart(root, part) {
    const match = /^(css|xpath|text|id|data-testid|data-test|name)=([^]*)$/.exec(part);
    if (part.startsWith("//") || part.startsWith("(//") || part.startsWith(".//") || part.startsWith("./"))
      return byXpath(root, part);
    if (!match) return byCss(root, part);
    const [, engine, rest] = match;
    if (engine === "css") return byCss(root, rest);
    if (engine === "xpath") return byXpath(root, rest);
    if (engine === "text") return byText(root, rest);
    return query(root, `[${engine}="${CSS.escape(rest.trim())}"]`);
  }

  function all(selector) {
    let roots = [document];
    for (const part of selector.split(/\s>>\s/)) {
      const step = part.trim();
      const nth = /^nth=(-?\d+)$/.exec(step);
      if (nth) {
        const one = roots.at(Number(nth[1]));
        roots = one ? [one] : [];
      } else roots = [...new Set(roots.flatMap((root) => byPart(root, step)))];
    }
    return roots.filter((root) => root !== document);
  }

  // Where there are several, the first that can be seen.
  function one() {
    const found = all(given.selector);
    return found.find(isVisible) || found[0];
  }

  function isEnabled(element) {
    return !element.closest(":disabled, [aria-disabled='true']");
  }

  function named(element) {
    const id = element.id ? "#" + element.id : "";
    const first = typeof element.className === "string" && element.className.trim().split(/\s+/)[0];
    return element.tagName.toLowerCase() + id + (first ? "." + first : "");
  }

  function tell(element, ...events) {
    for (const name of events)
      element.dispatchEvent(name === "input"
        ? new InputEvent("input", { bubbles: true, composed: true })
        : new Event(name, { bubbles: true }));
  }

  // Frameworks watch the property of an element; the one of its class goes past them.
  function assign(element, name, value) {
    for (let type = Object.getPrototypeOf(element); type; type = Object.getPrototypeOf(type)) {
      const found = Object.getOwnPropertyDescriptor(type, name);
      if (found && found.set) return found.set.call(element, value);
    }
    element[name] = value;
  }

  function write(element, value) {
    if (element.isContentEditable) element.textContent = value;
    else if ("value" in element) assign(element, "value", value);
    else throw new Error(`${named(element)} is no field that can be typed into`);
    tell(element, "input", "change");
  }

  function choose(element, by, wanted) {
    if (!(element instanceof HTMLSelectElement)) throw new Error(`${named(element)} is no dropdown`);
    const options = [...element.options];
    const at = options.findIndex((option, place) =>
      by === "index" ? String(place) === wanted.trim()
        : by === "label" ? plain(option.label) === plain(wanted) || plain(option.text) === plain(wanted)
        : option.value === wanted);
    const option = options[at];
    if (!option) {
      const has = options.map((option) => by === "label" ? plain(option.label) : option.value);
      return { missing: by === "index" ? `0 to ${options.length - 1}` : has.slice(0, 20).join(", ") };
    }
    if (element.multiple) option.selected = true;
    else element.selectedIndex = at;
    tell(element, "input", "change");
    return {};
  }

  // A way to an element that is the same when the page is loaded again.
  function way(element) {
    if (element.id && query(document, "#" + CSS.escape(element.id)).length === 1) return "#" + CSS.escape(element.id);
    const steps = [];
    for (let at = element; at && at !== document.documentElement; at = at.parentElement) {
      const place = [...at.parentElement.children].indexOf(at) + 1;
      steps.unshift(`${at.tagName.toLowerCase()}:nth-child(${place})`);
    }
    return "html > " + steps.join(" > ");
  }

  function stored(storage) {
    try { return { ...window[storage] }; } catch { return {}; }
  }

  const answers = {
    // Which of several selectors find something.
    look() {
      return {
        ready: document.readyState === "complete",
        found: given.selectors.map((selector) => {
          try {
            const found = all(selector);
            return { count: found.length, visible: found.some(isVisible) };
          } catch (error) {
            return { count: 0, visible: false, error: String(error.message || error) };
          }
        }),
      };
    },
    // Where to click.
    point() {
      const element = one();
      if (!element) return null;
      element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      const boxes = [...element.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
      const whole = element.getBoundingClientRect();
      const box = boxes[0] || whole;
      const x = given.x == null ? box.x + box.width / 2 : whole.x + given.x;
      const y = given.y == null ? box.y + box.height / 2 : whole.y + given.y;
      let hit = document.elementFromPoint(x, y);
      while (hit && hit.shadowRoot && hit.shadowRoot.elementFromPoint(x, y) !== hit)
        hit = hit.shadowRoot.elementFromPoint(x, y);
      const label = hit && hit.closest("label");
      const isHit = hit && (element === hit || element.contains(hit) || hit.contains(element) && hit.parentElement === null
        || label && label.control === element || hit.getRootNode().host === element);
      return { x, y, visible: isVisible(element), enabled: isEnabled(element), covered: isHit ? null : hit ? named(hit) : "nothing" };
    },
    // Makes a field ready to be typed into.
    focus() {
      const element = one();
      if (!element) return null;
      element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      element.focus();
      if (given.clear) {
        if (element.isContentEditable) getSelection().selectAllChildren(element);
        else if (element.select) element.select();
      } else if ("value" in element && element.setSelectionRange) {
        try { element.setSelectionRange(element.value.length, element.value.length); } catch { /* dates have none */ }
      }
      const editable = element.isContentEditable || "value" in element;
      return { visible: isVisible(element), enabled: isEnabled(element) && !element.readOnly, editable, name: named(element) };
    },
    fill() {
      const element = one();
      if (!element) return null;
      element.focus();
      const before = element.isContentEditable ? element.textContent : element.value;
      write(element, given.clear ? given.text : before + given.text);
      const now = element.isContentEditable ? element.textContent : element.value;
      return { took: now === (given.clear ? given.text : before + given.text) || element.tagName === "TEXTAREA", now: String(now).length };
    },
    choose() {
      const element = one();
      return element ? { enabled: isEnabled(element), ...choose(element, given.by, given.value) } : null;
    },
    // Fills in a field by what it is.
    enter() {
      let element = one();
      if (!element) return null;
      const means = (value) => !["", "0", "false", "no", "off", "null"].includes(String(value).toLowerCase());
      const kind = element.type === "checkbox" || element.type === "radio" ? element.type
        : element instanceof HTMLSelectElement ? "select" : "text";
      if (given.kind && given.kind !== kind && ["checkbox", "radio", "select"].includes(given.kind))
        return { refused: `it is no ${given.kind}, but ${named(element)}` };
      if (!isEnabled(element)) return { refused: "it is switched off" };
      if (kind === "checkbox") {
        if (element.checked !== means(given.value)) element.click();
        return {};
      }
      if (kind === "radio") {
        const group = [...element.getRootNode().querySelectorAll('input[type="radio"]')]
          .filter((other) => other.name === element.name && other.form === element.form);
        const meant = group.find((other) => other.value === given.text) || (given.value === true ? element : null);
        if (!meant) return { refused: `there is no choice ${given.text}; there are ` + group.map((other) => other.value).join(", ") };
        if (!meant.checked) meant.click();
        return {};
      }
      if (kind === "select") {
        const byValue = choose(element, "value", given.text);
        const byLabel = byValue.missing === undefined ? byValue : choose(element, "label", given.text);
        return byLabel.missing === undefined ? {} : { refused: `it has ${byLabel.missing}` };
      }
      element.focus();
      const before = element.isContentEditable ? element.textContent : element.value;
      write(element, given.clear ? given.text : before + given.text);
      return {};
    },
    text() {
      const element = one();
      if (!element) return null;
      const isField = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement;
      return { text: isField ? element.value : given.inner ? element.innerText : element.textContent };
    },
    attribute() {
      const element = one();
      if (!element) return null;
      const value = element.getAttribute(given.name);
      const property = element[given.name];
      return { value: value ?? (["string", "number", "boolean"].includes(typeof property) ? property : null) };
    },
    box() {
      const element = one();
      if (!element) return null;
      element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      const box = element.getBoundingClientRect();
      return { x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height };
    },
    table() {
      let element = one();
      if (!element) return null;
      if (!element.rows) element = element.querySelector("table") || element.closest("table") || element;
      const rows = [...(element.rows || element.querySelectorAll("tr"))];
      const cells = (row) => [...row.cells].flatMap((cell) => {
        const text = plain(cell.innerText);
        return [text, ...Array(Math.max(0, cell.colSpan - 1)).fill(text)];
      });
      const isHead = (row) => row.parentElement.tagName === "THEAD"
        || row.cells.length > 0 && [...row.cells].every((cell) => cell.tagName === "TH");
      return { rows: rows.filter((row) => row.cells.length).map((row) => ({ head: isHead(row), cells: cells(row) })) };
    },
    images() {
      const found = [...document.images].map((image) =>
        ({ url: image.currentSrc || image.src, width: image.naturalWidth, height: image.naturalHeight }));
      if (given.backgrounds)
        for (const element of document.querySelectorAll("*")) {
          const match = /url\(["']?(.*?)["']?\)/.exec(getComputedStyle(element).backgroundImage);
          const box = element.getBoundingClientRect();
          if (match) found.push({ url: new URL(match[1], document.baseURI).href, width: box.width, height: box.height });
        }
      return found;
    },
    forms() {
      const root = one();
      if (!root) return null;
      const fields = (within) => [...within.querySelectorAll("input, select, textarea")]
        .filter((field) => given.hidden || field.type !== "hidden" && isVisible(field))
        .map((field) => ({
          selector: way(field), name: field.name, id: field.id, type: field.type, required: field.required,
          label: plain(field.labels && field.labels[0] && field.labels[0].textContent), placeholder: field.placeholder || "",
          value: field.type === "password" ? "" : field.value,
          options: field.options ? [...field.options].map((option) => option.value) : [],
        }));
      const forms = root.tagName === "FORM" ? [root] : [...root.querySelectorAll("form")];
      return {
        forms: forms.map((form) => ({ selector: way(form), id: form.id, name: form.getAttribute("name") || "",
          action: form.action, method: form.method, fields: fields(form) })),
        fields: fields(root),
      };
    },
    submit() {
      const form = one();
      if (!form) return null;
      const button = form.querySelector("button[type=submit], input[type=submit], button:not([type])");
      if (button) button.click();
      else form.requestSubmit();
      return {};
    },
    mark() {
      const element = one();
      if (!element) return null;
      const before = element.style.outline;
      element.style.outline = "3px solid #ff6600";
      setTimeout(() => { element.style.outline = before; }, 500);
      return {};
    },
    still() {
      const style = document.createElement("style");
      style.id = "rpa-still";
      style.textContent = (given.animations ? "*, *::before, *::after { animation: none !important; transition: none !important; }" : "")
        + (given.caret ? "* { caret-color: transparent !important; }" : "");
      document.documentElement.append(style);
      return {};
    },
    moving() {
      const style = document.getElementById("rpa-still");
      if (style) style.remove();
      return {};
    },
    // What would be lost with the page: what was typed and chosen, and what it stores.
    keep() {
      const fields = [];
      for (const field of document.querySelectorAll("input, textarea, select")) {
        if (["hidden", "submit", "button", "reset", "image", "file"].includes(field.type)) continue;
        if (["checkbox", "radio"].includes(field.type)) {
          if (field.checked !== field.defaultChecked) fields.push([way(field), "tick", field.checked]);
        } else if (field.options) {
          const chosen = [...field.options].map((option) => option.selected);
          const usual = [...field.options].map((option) => option.defaultSelected);
          if (!usual.includes(true) && !field.multiple && usual.length) usual[0] = true;
          if (String(chosen) !== String(usual)) fields.push([way(field), "choose", chosen]);
        } else if (field.value !== field.defaultValue) fields.push([way(field), "write", field.value]);
      }
      return { fields, local: stored("localStorage"), session: stored("sessionStorage") };
    },
    // Puts back what was typed and chosen.
    refill() {
      let missing = 0;
      for (const [selector, how, value] of given.fields) {
        const field = document.querySelector(selector);
        if (!field) { missing++; continue; }
        if (how === "write") write(field, value);
        else if (how === "tick") { if (field.checked !== value) field.click(); }
        else {
          [...field.options].forEach((option, place) => { option.selected = !!value[place]; });
          tell(field, "input", "change");
        }
      }
      return { missing };
    },
  };
  return answers[question]();
})
