/** What a person types, as the JSON of a datapoint's type. */

const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const NOT_FINITE = ['NaN', 'Infinity', '-Infinity'];

/** @param {string} type */
export function isNumeric(type) {
  return /^[iuf]\d+$/.test(type);
}

/**
 * The JSON text, or why there is none.
 * @param {string} text
 * @param {string} type
 * @param {{min?: number, max?: number}|undefined} limits
 * @returns {{json: string}|{wrong: string}}
 */
export function readInput(text, type, limits) {
  const typed = text.trim();
  if (type === 'bool') return { json: typed };
  if (type === 'text' || type === 'bytes' || type === 'time') return { json: JSON.stringify(text) };
  if (isNumeric(type)) return readNumber(typed, type, limits);
  try {
    JSON.parse(typed);
    return { json: typed };
  } catch {
    return { wrong: type.endsWith('[]') ? 'Write a list, such as [1, 2, 3].' : 'Write JSON.' };
  }
}

/** @param {string} text @param {string} type @param {{min?: number, max?: number}|undefined} limits */
function readNumber(text, type, limits) {
  const typed = text.replace('\u2212', '-').replace(/^(\S*),(\d+)$/, '$1.$2');
  if (type.startsWith('f') && NOT_FINITE.includes(typed)) return { json: JSON.stringify(typed) };
  if (type.startsWith('f') ? !NUMBER.test(typed) : !INTEGER.test(typed)) {
    return { wrong: type.startsWith('f') ? 'Write a number.' : 'Write a whole number.' };
  }
  if (type.startsWith('u') && typed.startsWith('-')) return { wrong: 'Write a number from 0 on.' };
  const number = Number(typed);
  if (limits?.min !== undefined && number < limits.min) return { wrong: `At least ${limits.min}.` };
  if (limits?.max !== undefined && number > limits.max) return { wrong: `At most ${limits.max}.` };
  // Digits go out as they were typed: a double would round those of a 64-bit integer.
  const plain = typed.replace(/^\+/, '').replace(/^(-?)0+(?=\d)/, '$1');
  return { json: type.startsWith('f') ? JSON.stringify(number) : plain };
}
