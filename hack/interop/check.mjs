// What all clients share: the list of what was tried, and the answers that were seen.
import assert from 'node:assert/strict'

export const { ISSUER, ISSUER_WITH_PATH, ROLE, OUTCAST_KEY, PARSER, FOLDER } = process.env

export const tried = []

// check tries one thing with one client; what it returns is shown.
export async function check(client, what, attempt) {
  try {
    tried.push({ client, what, result: String((await attempt()) ?? 'ok') })
  } catch (error) {
    tried.push({ client, what, result: 'FAILED', error })
  }
}

// answers are all that the broker said, for the description to be held to.
export const answers = []

// recorded is fetch, for clients that take one, and keeps what was answered.
export async function recorded(url, options = {}) {
  const response = await fetch(url, options)
  answers.push({
    method: options.method ?? 'GET',
    url: String(url),
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.clone().text()
  })
  return response
}

// ask sends JSON, if any, and returns status, headers and decoded body.
export async function ask(path, body, headers = {}, issuer = ISSUER) {
  const options = { method: 'POST', headers: { ...headers } }
  if (body !== undefined) {
    options.headers['content-type'] = 'application/json'
    options.body = JSON.stringify(body)
  }
  const response = await recorded(issuer + path, options)
  return { status: response.status, headers: response.headers, body: await response.json() }
}

export const start = (address, chain_id = 1, issuer = ISSUER) => ask('/v1/auth/wallet/start', { address, chain_id }, {}, issuer)
export const verify = (request_id, signature, issuer = ISSUER) => ask('/v1/auth/wallet/verify', { request_id, signature }, {}, issuer)
export const mint = (bearer, body) => ask('/v1/mint-oidc-jwt', body, bearer === undefined ? {} : { authorization: `Bearer ${bearer}` })

// signIn returns the answers to both calls.
export async function signIn(address, sign, issuer = ISSUER) {
  const started = await start(address, 1, issuer)
  assert.equal(started.status, 200)
  const verified = await verify(started.body.request_id, await sign(started.body.siwe_message), issuer)
  return { started: started.body, verified }
}

export function refused(answer, status, code) {
  assert.deepEqual([answer.status, answer.body.error], [status, code])
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  return `${status} ${code}`
}
