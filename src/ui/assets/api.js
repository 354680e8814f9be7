/** Requests to the node. Relative to the page, so that a path in front of the node does not matter. */

import { parseJson } from './json.js';
import { token } from './session.js';
import { asSentence } from './words.js';

const ROOT = new URL('api/v1/', document.baseURI);
/** A request that is not answered by then counts as lost. */
const TIMEOUT_MS = 5000;

/** Why a request was not carried out (RFC 9457), or did not arrive: then the status is 0. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, title?: string, detail?: string, action?: string, outcome?: any}} problem
   * @param {number} [retryAfter] seconds
   */
  constructor(status, problem, retryAfter) {
    super(problem.detail || problem.title || `the node answered with status ${status}`);
    this.status = status;
    this.code = problem.code ?? '';
    this.title = problem.title ?? '';
    this.action = problem.action ?? '';
    this.outcome = problem.outcome;
    this.retryAfter = retryAfter;
  }

  /** What happened and what to do. */
  get sentence() {
    const first = asSentence(this.message);
    return this.action ? `${first} ${this.action}` : first;
  }
}

/** @type {(error: ApiError) => void} */
let unauthorized = () => {};

/** Whom to tell when the token does not hold any more. @param {(error: ApiError) => void} told */
export function onUnauthorized(told) {
  unauthorized = told;
}

/** @param {Record<string, string|number|boolean|undefined>} query @param {string} path */
function address(path, query) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

/** @param {unknown} error @returns {ApiError} */
function lost(error) {
  const slow = error instanceof DOMException && error.name === 'TimeoutError';
  const detail = slow ? 'the node did not answer in time' : 'the node cannot be reached';
  return new ApiError(0, { code: 'unreachable', detail });
}

/** @param {Response} response @returns {Promise<ApiError>} */
async function refusal(response) {
  let problem = {};
  try {
    problem = parseJson(await response.text());
  } catch {
    // Something between the page and the node answered, not the node.
  }
  const after = Number(response.headers.get('retry-after'));
  return new ApiError(response.status, problem ?? {}, after || undefined);
}

/**
 * @typedef {{method?: string, query?: Record<string, string|number|boolean|undefined>,
 *   body?: string, headers?: Record<string, string>, timeout?: number, token?: string}} Options
 */

/**
 * One request, one document.
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export async function ask(path, options = {}) {
  const { method = 'GET', query = {}, body, timeout = TIMEOUT_MS } = options;
  /** @type {Record<string, string>} */
  const headers = { ...options.headers, Accept: 'application/json' };
  headers.Authorization = `Bearer ${options.token ?? token() ?? ''}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const signal = AbortSignal.timeout(timeout);
  let response;
  let text;
  try {
    response = await fetch(address(path, query), {
      method, headers, body, signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
    });
    if (response.ok) text = await response.text();
  } catch (error) {
    throw lost(error);
  }
  if (text === undefined) {
    const error = await refusal(response);
    if (error.status === 401 && options.token === undefined) unauthorized(error);
    throw error;
  }
  if (text === '') return null;
  try {
    return parseJson(text);
  } catch {
    throw new ApiError(response.status, { detail: 'the answer is not from a mainstem node' });
  }
}

/**
 * Opens the events of the datapoints. EventSource cannot send the header with the token.
 * @param {string|null} cursor where to go on
 * @param {Record<string, string>} query
 * @param {AbortSignal} signal
 * @returns {Promise<Response>}
 */
export async function openChanges(cursor, query, signal) {
  /** @type {Record<string, string>} */
  const headers = { Accept: 'text/event-stream', Authorization: `Bearer ${token() ?? ''}` };
  if (cursor) headers['Last-Event-ID'] = cursor;
  let response;
  try {
    response = await fetch(address('changes', query), {
      headers, signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
    });
  } catch (error) {
    throw lost(error);
  }
  if (response.ok) return response;
  const error = await refusal(response);
  if (error.status === 401) unauthorized(error);
  throw error;
}
