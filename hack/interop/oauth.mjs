// OAuth clients find the token endpoint, exchange a session, and understand refusals.
import assert from 'node:assert/strict'
import { Wallet } from 'ethers'
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { ISSUER, ISSUER_WITH_PATH, ROLE, answers, check, recorded, signIn } from './check.mjs'

const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const jwtType = 'urn:ietf:params:oauth:token-type:jwt'
const client = { client_id: 'interop' }

async function discover(algorithm, issuer = ISSUER) {
  const response = await oauth.discoveryRequest(new URL(issuer), { algorithm, [oauth.customFetch]: recorded })
  return oauth.processDiscoveryResponse(new URL(issuer), response)
}

async function session(issuer = ISSUER) {
  const wallet = Wallet.createRandom()
  const { verified } = await signIn(wallet.address, (message) => wallet.signMessage(message), issuer)
  return verified.body.session_jwt
}

const subject = (token) => ({ subject_token: token, subject_token_type: jwtType })

async function exchange(parameters, { auth = oauth.None(), grant = tokenExchange, server } = {}) {
  server ??= await discover('oauth2')
  const response = await oauth.genericTokenEndpointRequest(
    server, client, auth, grant, new URLSearchParams(parameters), { [oauth.customFetch]: recorded })
  assert.equal(response.headers.get('cache-control'), 'no-store')
  return oauth.processGenericTokenEndpointResponse(server, client, response, { recognizedTokenTypes: { n_a: () => {} } })
}

async function verifiedBy(server, token) {
  const keys = createRemoteJWKSet(new URL(server.jwks_uri), { [customFetch]: recorded })
  await jwtVerify(token, keys, { issuer: server.issuer, audience: 'sts.amazonaws.com', algorithms: ['ES256'] })
}

// refusals are what a client may get wrong, and how it has to be told.
const refusals = {
  'a session that is none': [() => ({ ...subject('x') }), 400, 'invalid_request'],
  'no subject token': [() => ({ subject_token_type: jwtType }), 400, 'invalid_request'],
  'no subject token type': [(token) => ({ subject_token: token }), 400, 'invalid_request'],
  'a subject token type that is SAML': [(token) => ({ ...subject(token), subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }), 400, 'invalid_request'],
  'a requested type that is a refresh token': [(token) => ({ ...subject(token), requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }), 400, 'invalid_request'],
  'an actor': [(token) => ({ ...subject(token), actor_token: token, actor_token_type: jwtType }), 400, 'invalid_request'],
  'a scope': [(token) => ({ ...subject(token), scope: 'openid email' }), 400, 'invalid_scope'],
  'a resource that is no role here': [(token) => ({ ...subject(token), resource: ROLE + '-not' }), 400, 'invalid_target'],
  'an audience that is not ours': [(token) => ({ ...subject(token), audience: 'https://example.org' }), 400, 'invalid_target'],
  'client credentials': [() => ({}), 400, 'unsupported_grant_type', { grant: 'client_credentials' }],
  'a code': [() => ({ code: 'x' }), 400, 'unsupported_grant_type', { grant: 'authorization_code' }],
  'a refresh token': [() => ({ refresh_token: 'x' }), 400, 'unsupported_grant_type', { grant: 'refresh_token' }]
}

export async function run() {
  for (const algorithm of ['oidc', 'oauth2']) {
    for (const [name, issuer] of Object.entries({ 'an issuer': ISSUER, 'an issuer with a path': ISSUER_WITH_PATH })) {
      await check('oauth4webapi', `discovers ${name} (${algorithm}) and exchanges a session`, async () => {
        const server = await discover(algorithm, issuer)
        assert.ok(server.grant_types_supported.includes(tokenExchange))
        assert.deepEqual(server.token_endpoint_auth_methods_supported, ['none'])
        const result = await exchange({ ...subject(await session(issuer)), resource: ROLE }, { server })
        assert.deepEqual([result.issued_token_type, result.token_type, result.expires_in], [jwtType, 'n_a', 300])
        await verifiedBy(server, result.access_token)
      })
    }
  }
  await check('oauth4webapi', 'may ask for openid, our audience and a JWT', async () => {
    await exchange({ ...subject(await session()), scope: 'openid', audience: 'sts.amazonaws.com', requested_token_type: jwtType })
  })
  for (const [name, [parameters, status, code, options]] of Object.entries(refusals)) {
    await check('oauth4webapi', `is refused ${name}`, async () => {
      const token = await session()
      await assert.rejects(exchange(parameters(token), options), (error) => {
        assert.ok(error instanceof oauth.ResponseBodyError, error)
        assert.deepEqual([error.status, error.error], [status, code])
        assert.ok(error.error_description)
        return true
      })
      return `${status} ${code}`
    })
  }
  for (const [name, auth, scheme] of [
    ['a secret in the header', oauth.ClientSecretBasic('secret'), 'basic'], ['a secret in the body', oauth.ClientSecretPost('secret'), 'bearer']
  ]) {
    await check('oauth4webapi', `is refused ${name}`, async () => {
      const token = await session()
      await assert.rejects(exchange(subject(token), { auth }), (error) => {
        assert.ok(error instanceof oauth.WWWAuthenticateChallengeError, error)
        assert.deepEqual([error.status, error.cause[0].scheme], [401, scheme])
        return true
      })
      assert.equal(JSON.parse(answers.at(-1).body).error, 'invalid_client')
      return '401 invalid_client'
    })
  }
  for (const algorithm of ['oidc', 'oauth2']) {
    await check('openid-client', `discovers (${algorithm}) and exchanges a session`, async () => {
      const config = await openid.discovery(new URL(ISSUER), client.client_id, undefined, openid.None(), { algorithm, [openid.customFetch]: recorded })
      const result = await openid.genericGrantRequest(config, tokenExchange, { ...subject(await session()), resource: ROLE })
      await verifiedBy(config.serverMetadata(), result.access_token)
      assert.ok(result.expiresIn() >= 295)
    })
  }
  await check('openid-client', 'is told what it did wrong', async () => {
    const config = await openid.discovery(new URL(ISSUER), client.client_id, undefined, openid.None(), { [openid.customFetch]: recorded })
    await assert.rejects(openid.genericGrantRequest(config, tokenExchange, subject('x')), { error: 'invalid_request', status: 400 })
    return '400 invalid_request'
  })
}
