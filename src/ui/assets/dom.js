/** Elements without a framework: made from data, never from markup, and touched only on change. */

/**
 * An element with attributes and children. A text child is a text: no markup is ever read.
 * @param {string} tag
 * @param {Record<string, string|boolean|number>} [attributes]
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '');
    else if (value !== false) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * The element of the page with this id.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element;
}

/** @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Element} element @param {string} name @param {string|null} value */
export function setAttribute(element, name, value) {
  if (value === null) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Keeps one child per item, in order; children are made once and updated after that, so that
 * focus, selection and scroll survive.
 * @template T
 * @param {HTMLElement} parent
 * @param {T[]} items
 * @param {(item: T) => string} key
 * @param {(item: T) => {root: HTMLElement, update: (item: T) => void}} create
 */
export function keyed(parent, items, key, create) {
  const holder = /** @type {any} */ (parent);
  /** @type {Map<string, {root: HTMLElement, update: (item: T) => void}>} */
  const known = (holder.keyedParts ??= new Map());
  const wanted = new Set(items.map(key));
  for (const [name, part] of known) {
    if (!wanted.has(name)) {
      part.root.remove();
      known.delete(name);
    }
  }
  items.forEach((item, index) => {
    const name = key(item);
    let part = known.get(name);
    if (!part) {
      part = create(item);
      known.set(name, part);
    }
    part.update(item);
    if (parent.children[index] !== part.root) {
      parent.insertBefore(part.root, parent.children[index] ?? null);
    }
  });
}
