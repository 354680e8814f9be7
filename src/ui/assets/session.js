/** The token of this tab. It goes into a header and nowhere else: no cookie, no address. */

const KEY = 'mainstem.token';

/** @returns {string|null} */
export function token() {
  return sessionStorage.getItem(KEY);
}

/** @param {string} text */
export function keep(text) {
  sessionStorage.setItem(KEY, text);
}

/** Forgets the token. */
export function forget() {
  sessionStorage.removeItem(KEY);
}
