/** Who may see this: a token, asked for once per tab. */

import { ApiError, ask } from './api.js';
import { byId, setText } from './dom.js';
import { duration } from './format.js';
import { keep } from './session.js';

/** @param {unknown} error */
function sentence(error) {
  if (!(error instanceof ApiError)) return 'This page met a defect of its own.';
  if (error.status === 429) {
    return `Too many failed logins from here. Wait ${duration(error.retryAfter ?? 60)}, then try again.`;
  }
  if (error.status === 401) return `The node does not accept this token: ${error.message}.`;
  return error.sentence;
}

/** @param {() => void} done */
export function prepareLogin(done) {
  const form = /** @type {HTMLFormElement} */ (byId('login-form'));
  const input = /** @type {HTMLInputElement} */ (byId('token'));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector('button'));
  const said = byId('login-said');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const token = input.value.trim();
    if (!token) return;
    // What cannot stand in a header is no token, and fetch would throw.
    if (!/^[\x21-\x7e]+$/.test(token)) {
      setText(said, 'A token has letters, digits and signs only. Copy it again, whole.');
      return;
    }
    button.disabled = true;
    setText(said, '');
    try {
      await ask('node', { token });
      keep(token);
      input.value = '';
      done();
    } catch (error) {
      setText(said, sentence(error));
      input.select();
    } finally {
      button.disabled = false;
    }
  });
}

/** Shows the form. @param {string} why a sentence, or nothing */
export function askForToken(why) {
  byId('board').hidden = true;
  byId('login').hidden = false;
  setText(byId('login-said'), why);
  byId('token').focus();
}
