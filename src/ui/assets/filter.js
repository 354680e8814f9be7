/** Which datapoints are shown: by branch, by text or pattern, by quality. */

/** `*` is one segment or a part of it, `**` any number of segments. @param {string} pattern */
function globRegExp(pattern) {
  const escaped = (/** @type {string} */ text) => text.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const segments = pattern.split('.').map((segment) => (segment === '**' ? '**'
    : segment.split('*').map(escaped).join('[^.]*').replaceAll('?', '[^.]')));
  let source = '';
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    if (segment !== '**') source += segment + (last || segments[index + 1] === '**' ? '' : '\\.');
    else if (index === 0) source += last ? '.*' : '(?:.*\\.)?';
    else source += last ? '(?:\\..*)?' : '(?:\\.|\\..*\\.)';
  });
  return new RegExp(`^${source}$`, 'i');
}

/**
 * A text: each word has to be in the name or the description. With a star: a pattern.
 * @param {string} text
 * @returns {(entry: import('./catalogue.js').Entry) => boolean}
 */
export function matcher(text) {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return () => true;
  if (isPattern(wanted)) {
    const expression = globRegExp(wanted);
    return (entry) => expression.test(entry.name);
  }
  const words = wanted.split(/\s+/);
  return ({ name, doc }) => {
    const text = `${name} ${doc.meta?.description ?? ''}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
}

/** @param {string} text */
export function isPattern(text) {
  return text.includes('*');
}

/**
 * What is shown, and how many of each quality there are before that is chosen.
 * @param {import('./catalogue.js').Entry[]} entries
 * @param {{branch: string, text: string, grade: string}} wish
 */
export function select(entries, { branch, text, grade }) {
  const fits = matcher(text);
  const below = `${branch}.`;
  /** @type {Record<string, number>} */
  const counts = { all: 0, good: 0, uncertain: 0, bad: 0 };
  const shown = entries.filter((entry) => {
    if (branch && entry.name !== branch && !entry.name.startsWith(below)) return false;
    if (!fits(entry)) return false;
    const status = entry.doc.quality.status;
    counts.all += 1;
    counts[status] = (counts[status] ?? 0) + 1;
    return grade === 'all' || grade === status;
  });
  return { shown, counts };
}
