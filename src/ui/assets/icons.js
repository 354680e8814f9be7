/** Signs: each has a shape of its own, so that none hangs on its colour. */

const SPACE = 'http://www.w3.org/2000/svg';

/** Paths on a square of 16. @type {Record<string, string>} */
const PATHS = {
  good: 'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8ZM5.2 8.2l2 2 3.6-4.2',
  uncertain: 'M8 1.8 14.8 14H1.2ZM8 6.2v3.6M8 11.6v.5',
  bad: 'M5.2 1.8h5.6l3.4 3.4v5.6l-3.4 3.4H5.2l-3.4-3.4V5.2ZM5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8',
  old: 'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8ZM8 4.6V8l2.4 1.6',
  info: 'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8ZM8 7.2v4M8 4.6v.5',
  busy: 'M13.8 8A5.8 5.8 0 1 1 8 2.2M8 2.2l2.4-1M8 2.2l1.6 2',
  off: 'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8ZM6.4 5.6v4.8M9.6 5.6v4.8',
  node: 'M2.4 3.2h11.2v4H2.4ZM2.4 8.8h11.2v4H2.4ZM5 5.2h.1M5 10.8h.1',
  pencil: 'M2.4 13.6l.6-3L10.6 3a1.4 1.4 0 0 1 2.2 0l.4.4a1.4 1.4 0 0 1 0 2L5.4 13ZM9.4 4.4l2.4 2.4',
};

/**
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SPACE, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(document.createElementNS(SPACE, 'path'));
  setIcon(svg, name);
  return svg;
}

/** Turns a sign into another. @param {SVGSVGElement} svg @param {string} name */
export function setIcon(svg, name) {
  if (svg.getAttribute('data-icon') === name) return;
  svg.setAttribute('data-icon', name);
  svg.setAttribute('class', `icon icon-${name}`);
  svg.firstElementChild?.setAttribute('d', PATHS[name] ?? PATHS.info);
}
