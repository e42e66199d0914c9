// Libraries of Sign-In with Ethereum and package siwe read each other's messages, and
// take and refuse the same ones.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getAddress } from 'ethers'
import { SiweMessage } from 'siwe'
import { createSiweMessage, parseSiweMessage } from 'viem/siwe'
import { PARSER, check } from './check.mjs'

// ours is what package siwe makes of messages.
function ours(questions) {
  const input = questions.map((question) => JSON.stringify(question)).join('\n')
  const output = execFileSync(PARSER, ['parse'], { input, maxBuffer: 1 << 30 }).toString()
  return output.trim().split('\n').map((line) => JSON.parse(line))
}

function theirs(message) {
  try {
    return new SiweMessage(message)
  } catch {
    return undefined
  }
}

// random is a generator of 32-bit numbers (xorshift), the same ones in each run.
function random(seed) {
  return (below) => {
    seed ^= seed << 13
    seed ^= seed >>> 17
    seed ^= seed << 5
    return (seed >>> 0) % below
  }
}

const domains = ['example.com', 'localhost:3000', 'user:pw@10.0.0.1:80', '[2001:db8::1]:8443', 'xn--bcher-kva.example']
const uris = ['https://example.com', 'https://example.com/login?a=b#c', 'did:key:z6Mk', 'urn:x:y', 'ipfs://Qme7/', 'http://[::ffff:1.2.3.4]:1/']
const times = ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.678Z', '2026-01-02T05:04:05+02:00', '2024-02-29T23:59:59.000001-11:30']

// fields makes the fields of a message, each optional one or not. viem knows no user
// in a domain, and no IPv6 there.
function fields(next, library = 'siwe') {
  const one = (list) => list[next(list.length)]
  const maybe = (name, value) => (next(2) ? { [name]: value } : {})
  return {
    domain: one(library === 'viem' ? domains.filter((domain) => !/[@[]/.test(domain)) : domains), address: getAddress('0x' + next(0xffffffff).toString(16).padStart(40, '0')), uri: one(uris), version: '1',
    chainId: one([1, 10, 137, 11155111]), nonce: 'Nonce' + next(1000) + '00000', issuedAt: one(times),
    ...maybe('scheme', one(['https', 'web+x'])), ...maybe('statement', one(['Sign in', 'See https://example.com/tos?a=b, [1] (2)!', 'x'])),
    ...maybe('expirationTime', one(times)), ...maybe('notBefore', one(times)), ...maybe('requestId', one(['1', 'a-b_c~d', 'x%20y', ':@!'])),
    ...maybe('resources', uris.slice(next(uris.length)))
  }
}

const instant = (time) => new Date(time).getTime()

// same holds what package siwe read to what was written.
function same(read, wrote) {
  const text = (value) => value ?? ''
  assert.deepEqual(
    [read.Scheme, read.Domain, getAddress(read.Address), read.Statement, read.URI, read.ChainID, read.Nonce, read.RequestID, read.Resources ?? []],
    [text(wrote.scheme), wrote.domain, wrote.address, text(wrote.statement), wrote.uri, wrote.chainId, wrote.nonce, text(wrote.requestId), wrote.resources ?? []])
  const none = '0001-01-01T00:00:00Z'
  assert.deepEqual(
    [read.IssuedAt, read.ExpirationTime, read.NotBefore].map(instant),
    [wrote.issuedAt, wrote.expirationTime ?? none, wrote.notBefore ?? none].map(instant))
}

const composers = {
  siwe: (wrote) => new SiweMessage(wrote).toMessage(),
  viem: (wrote) => {
    const date = (time) => time && new Date(time)
    return createSiweMessage({
      ...wrote, issuedAt: date(wrote.issuedAt), expirationTime: date(wrote.expirationTime), notBefore: date(wrote.notBefore)
    })
  }
}

// mutated changes a message at one to three places.
function mutated(next, message) {
  const pieces = ['\n', '\r\n', ' ', '%', '%2', '%41', '/', '//', ':', '#', '?', '@', '[', ']', '<', '"', '\\', '^', '|', '~', '0', '-', '.', 'Z', 'é', '\t', '\0',
    'URI: ', 'Nonce: ', '- ', 'Resources:', 'T24:', '+00:00', '::', 'v1.x', '1.2.3.4', '::1', '999', 'e', '\u202e']
  for (let i = next(3); i >= 0; i--) {
    const at = next(message.length), length = next(3)
    const lines = message.split('\n')
    const line = next(lines.length)
    switch (next(6)) {
      case 0: message = message.slice(0, at) + message.slice(at + 1 + length); break
      case 1: message = message.slice(0, at) + pieces[next(pieces.length)] + message.slice(at); break
      case 2: message = message.slice(0, at) + pieces[next(pieces.length)] + message.slice(at + 1); break
      case 3: lines.splice(line, 1); message = lines.join('\n'); break
      case 4: lines.splice(line, 0, lines[next(lines.length)]); message = lines.join('\n'); break
      case 5: message = message.slice(0, at) + message.charAt(at).toUpperCase() + message.slice(at + 1)
    }
  }
  return message
}

// deviations are where we decide otherwise on purpose, or they are wrong.
const deviations = {
  'we refuse a statement that is there and empty (EIP-4361: 1*)': (message, answer) =>
    answer.refused && /^.*\n.*\n\n\n\nURI: /.test(message),
  'we refuse IPvFuture, which no browser has': (message, answer) => answer.refused && /\[v[0-9a-f]+\./i.test(message),
  'they take an IPv4 address with an empty part inside an IPv6 one': (message, answer) =>
    answer.refused && /\[[0-9a-f:]*(:\.|:[0-9.]*\.(\.|\]))/i.test(message),
  'we take an address in one case, which has no checksum': (message, answer) => {
    const address = message.split('\n')[1].slice(2)
    return answer.refused === undefined && (address === address.toLowerCase() || address === address.toUpperCase())
  }
}

const explained = (message, answer) => Object.keys(deviations).find((name) => deviations[name](message, answer))

async function compose(next) {
  for (const [library, composed] of Object.entries(composers)) {
    await check(library, 'composes 500 messages, and we read them', () => {
      const list = Array.from({ length: 500 }, () => fields(next, library))
      ours(list.map((wrote) => ({ message: composed(wrote) }))).forEach((answer, i) => {
        assert.equal(answer.refused, undefined)
        same(answer.fields, list[i])
      })
    })
    await check(library, 'reads what we write of the same fields', () => {
      const list = Array.from({ length: 500 }, () => fields(next, library))
      ours(list.map((wrote) => ({ message: composers.siwe(wrote) }))).forEach(({ again }, i) => readers[library](again, list[i]))
    })
  }
}

const readers = {
  siwe: (message, wrote) => {
    const read = new SiweMessage(message)
    assert.equal(read.toMessage(), message)
    assert.deepEqual(
      [read.scheme, read.domain, read.address, read.statement, read.uri, read.chainId, read.nonce, read.requestId, instant(read.issuedAt)],
      [wrote.scheme, wrote.domain, wrote.address, wrote.statement, wrote.uri, wrote.chainId, wrote.nonce, wrote.requestId, instant(wrote.issuedAt)])
  },
  viem: (message, wrote) => {
    const read = parseSiweMessage(message)
    assert.deepEqual(
      [read.scheme, read.domain, read.address, read.uri, read.chainId, read.nonce, read.requestId, read.issuedAt.getTime()],
      [wrote.scheme, wrote.domain, wrote.address, wrote.uri, wrote.chainId, wrote.nonce, wrote.requestId, instant(wrote.issuedAt)])
  }
}

// compare has both decide the same broken messages.
async function compare(next) {
  await check('siwe', 'takes and refuses the same of 6000 broken messages', () => {
    const list = Array.from({ length: 6000 }, () => mutated(next, composers.siwe(fields(next))))
    const counts = { taken: 0, refused: 0 }
    ours(list.map((message) => ({ message }))).forEach((answer, i) => {
      const read = theirs(list[i])
      if (Boolean(read) === (answer.refused === undefined)) {
        counts[read ? 'taken' : 'refused']++
        if (read) same(answer.fields, { ...read, address: getAddress(read.address) })
        return
      }
      const why = explained(list[i], answer)
      assert.ok(why, `we say ${answer.refused ?? 'yes'} to ${JSON.stringify(list[i])}`)
      counts[why] = (counts[why] ?? 0) + 1
    })
    return Object.entries(counts).map(([kind, count]) => `${count} ${kind}`).join('; ')
  })
}

// prove holds us to the published test vectors, if somebody has them.
async function prove(folder) {
  const vectors = (name) => {
    const path = join(folder, name + '.json')
    return existsSync(path) ? Object.entries(JSON.parse(readFileSync(path, 'utf8'))) : []
  }
  for (const name of ['parsing_positive', 'valid_specification', 'valid_uris', 'valid_resources']) {
    for (const [title, vector] of vectors(name)) {
      await check('vectors', `${name}: ${title}`, () => {
        const [answer] = ours([{ message: vector.message ?? vector.msg }])
        assert.equal(answer.refused, undefined)
        if (vector.fields) same(answer.fields, vector.fields)
      })
    }
  }
  for (const name of ['parsing_negative', 'invalid_uris', 'invalid_resources']) {
    for (const [title, vector] of vectors(name)) {
      await check('vectors', `${name}: ${title}`, () => {
        const [answer] = ours([{ message: vector }])
        if (answer.refused) return 'refused'
        assert.ok(explained(vector, answer))
        return explained(vector, answer)
      })
    }
  }
  for (const [name, good] of [['verification_positive', true], ['verification_negative', false]]) {
    for (const [title, vector] of vectors(name)) {
      await check('vectors', `${name}: ${title}`, () => {
        const { signature, domainBinding: domain, matchNonce: nonce, time, ...wrote } = vector
        // Not by its constructor, which refuses some of them itself.
        const message = Object.assign(Object.create(SiweMessage.prototype), wrote).toMessage()
        const [answer] = ours([{ message, signature, domain, nonce, time }])
        const why = answer.refused ?? answer.failed
        if (good && time < wrote.issuedAt) {
          assert.equal(why, 'the message is not good yet')
          return 'we refuse a message from the future'
        }
        assert.equal(why === undefined, good, why)
        return why
      })
    }
  }
}

export async function run(folder) {
  const next = random(20260102)
  await compose(next)
  await compare(next)
  if (folder) await prove(folder)
}
