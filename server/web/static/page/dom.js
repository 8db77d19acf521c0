// How the page makes nodes. All that came from outside becomes text or an attribute's value, never
// markup: there is no innerHTML anywhere, and the Content-Security-Policy allows no inline style.

/**
 * @param {string} tag
 * @param {string} [className]
 * @param {...(Node | string)} content
 * @returns {HTMLElement}
 */
export function element(tag, className = "", ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes] presentation attributes; never `style`
 * @param {...(Node | string)} content
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...content) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...content);
  return made;
}

/** @returns {HTMLButtonElement} one that submits nothing */
export function button(label, className = "", onClick = null) {
  const made = element("button", className, label);
  made.type = "button";
  if (onClick) made.addEventListener("click", onClick);
  return made;
}

/** @returns {HTMLElement} keys that are pressed together, as a hint */
export function keysOf(className, ...names) {
  const caps = names.flatMap((name) => [element("kbd", "", name), " "]).slice(0, -1);
  return element("span", `soft ${className}`, ...caps);
}

/** Writes a text only where it changed: an equal one would be a mutation and a layout. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Fires an event that bubbles, so that the page's root hears it. */
export function fire(target, name, detail = {}) {
  return target.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, cancelable: true }));
}
