/** JSON in which 64-bit integers keep their digits. */

/** Only a text with such a run of digits can hold a number that a double cannot. */
const LONG_DIGITS = /\d{16}/;
const INTEGER = /^-?\d+$/;

/**
 * Reads JSON; an integer beyond the exact range of a double becomes a BigInt where the browser
 * lets its digits be seen.
 * @param {string} text
 * @returns {any}
 */
export function parseJson(text) {
  if (!LONG_DIGITS.test(text)) return JSON.parse(text);
  // The third argument is younger than the type of the function.
  const reviver = /** @type {any} */ (keepDigits);
  return JSON.parse(text, reviver);
}

/** @param {string} _key @param {any} value @param {{source?: string}} [context] */
function keepDigits(_key, value, context) {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source && INTEGER.test(source) ? BigInt(source) : value;
}

/** Writes JSON; a BigInt as its digits. @param {any} value @returns {string} */
export function formatJson(value) {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(formatJson).join(', ')}]`;
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value);
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}: ${formatJson(member)}`).join(', ')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
