// A JOSE library verifies what the broker mints, and forges what it must not believe.
import assert from 'node:assert/strict'
import { Wallet } from 'ethers'
import {
  SignJWT, UnsecuredJWT, calculateJwkThumbprint, createRemoteJWKSet, customFetch, decodeJwt, decodeProtectedHeader,
  errors, exportJWK, generateKeyPair, jwtVerify
} from 'jose'
import { ISSUER, ISSUER_WITH_PATH, ROLE, ask, check, mint, recorded, refused, signIn } from './check.mjs'

const wellKnown = '/.well-known/openid-configuration'

// discovered returns the key set that the issuer's metadata names.
async function discovered(issuer) {
  const metadata = await (await recorded(issuer + wellKnown)).json()
  assert.equal(metadata.issuer, issuer)
  return createRemoteJWKSet(new URL(metadata.jwks_uri), { [customFetch]: recorded })
}

const expected = (issuer) => ({
  issuer, audience: 'sts.amazonaws.com', algorithms: ['ES256'], typ: 'JWT', maxTokenAge: '5 minutes',
  requiredClaims: ['sub', 'iat', 'nbf', 'exp', 'jti']
})

const tagKey = 'agentkeys_user_wallet'

async function verified(jwt, wallet, roles, issuer = ISSUER) {
  const { payload } = await jwtVerify(jwt, await discovered(issuer), expected(issuer))
  assert.equal(payload.exp - payload.iat, 300)
  assert.deepEqual({ ...payload, iat: 0, nbf: 0, exp: 0, jti: '' }, {
    iss: issuer, aud: 'sts.amazonaws.com', sub: `agentkeys:agent:${wallet}`, [tagKey]: wallet,
    'https://aws.amazon.com/tags': { principal_tags: { [tagKey]: [wallet] }, transitive_tag_keys: [tagKey] },
    'https://aws.amazon.com/roles': roles, iat: 0, nbf: 0, exp: 0, jti: ''
  })
  return payload
}

async function session(issuer = ISSUER) {
  const wallet = Wallet.createRandom()
  const { verified } = await signIn(wallet.address, (message) => wallet.signMessage(message), issuer)
  return { wallet: wallet.address.toLowerCase(), bearer: verified.body.session_jwt }
}

export async function run() {
  await check('jose', 'verifies a JWT of all roles, by discovery', async () => {
    const { wallet, bearer } = await session()
    const { body } = await mint(bearer)
    const payload = await verified(body.jwt, wallet, [ROLE, ROLE + '-too'])
    assert.equal(payload.exp, body.expiration)
  })
  await check('jose', 'verifies a JWT that is pinned to a role', async () => {
    const { wallet, bearer } = await session()
    await verified((await mint(bearer, { role_arn: ROLE })).body.jwt, wallet, [ROLE])
  })
  await check('jose', 'verifies a JWT of an issuer with a path', async () => {
    const { wallet, bearer } = await session(ISSUER_WITH_PATH)
    const { body } = await ask('/v1/mint-oidc-jwt', undefined, { authorization: `Bearer ${bearer}` }, ISSUER_WITH_PATH)
    await verified(body.jwt, wallet, [ROLE, ROLE + '-too'], ISSUER_WITH_PATH)
  })
  await check('jose', 'finds the thumbprint (RFC 7638) as kid, and no private part', async () => {
    const { keys } = await (await recorded(ISSUER + '/.well-known/jwks.json')).json()
    for (const key of keys) {
      assert.equal(key.kid, await calculateJwkThumbprint(key))
      assert.deepEqual(Object.keys(key).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    }
    const { bearer } = await session()
    assert.equal(decodeProtectedHeader((await mint(bearer)).body.jwt).kid, keys[0].kid)
  })
  await check('jose', 'refuses a JWT that was changed, or is for somebody else', async () => {
    const { bearer } = await session()
    const { jwt } = (await mint(bearer)).body
    const keys = await discovered(ISSUER)
    const [header, , signature] = jwt.split('.')
    const payload = Buffer.from(JSON.stringify({ ...decodeJwt(jwt), [tagKey]: '0x' + '0'.repeat(40) })).toString('base64url')
    await assert.rejects(jwtVerify(`${header}.${payload}.${signature}`, keys, expected(ISSUER)), errors.JWSSignatureVerificationFailed)
    await assert.rejects(jwtVerify(jwt, keys, { ...expected(ISSUER), audience: 'other' }), errors.JWTClaimValidationFailed)
    await assert.rejects(jwtVerify(jwt, await discovered(ISSUER_WITH_PATH), expected(ISSUER)), errors.JWKSNoMatchingKey)
  })
  await check('jose', 'refuses a session as a JWT', async () => {
    const { bearer } = await session()
    await assert.rejects(jwtVerify(bearer, await discovered(ISSUER), expected(ISSUER)), errors.JOSEAlgNotAllowed)
  })
  await check('jose', 'is refused every bearer that it forges', async () => {
    const { bearer } = await session()
    const { jwt } = (await mint(bearer)).body
    const claims = decodeJwt(bearer)
    const { keys: [key] } = await (await recorded(ISSUER + '/.well-known/jwks.json')).json()
    const header = decodeProtectedHeader(bearer)
    const pair = await generateKeyPair('ES256', { extractable: true })
    const forged = [
      undefined, '', jwt, new UnsecuredJWT(claims).encode(), bearer + 'A', bearer.slice(0, -1),
      await new SignJWT(claims).setProtectedHeader(header).sign(new TextEncoder().encode(JSON.stringify(key))),
      await new SignJWT(claims).setProtectedHeader(header).sign(Buffer.from(key.x, 'base64url')),
      await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'ES256' }).sign(pair.privateKey),
      await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'JWT', jwk: await exportJWK(pair.publicKey) }).sign(pair.privateKey)
    ]
    for (const token of forged) {
      const answer = await mint(token)
      refused(answer, 401, 'unauthorized')
      assert.match(answer.headers.get('www-authenticate'), /^Bearer/)
    }
    return `${forged.length} x 401 unauthorized`
  })
}
